export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

/** Each asks `spillway complete -- words…`, and needs nothing but its shell. */
const scripts: Readonly<Record<Shell, string>> = {
  bash: `# bash completion of spillway: eval "$(spillway completion bash)"
_spillway() {
  local line answer=() cur="\${COMP_WORDS[COMP_CWORD]#=}"
  COMPREPLY=()
  while IFS= read -r line; do answer+=("$line"); done < <(spillway complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  for line in "\${answer[@]}"; do
    case "$line" in
      # Bash names files best itself; before its version 4 it cannot be told to.
      :files) compopt -o default 2>/dev/null || while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$cur") ;;
      :) ;;
      *) COMPREPLY+=("\${line%%$'\\t'*}") ;;
    esac
  done
}
complete -F _spillway spillway
`,
  zsh: `#compdef spillway
# zsh completion of spillway: eval "$(spillway completion zsh)", or a file _spillway in fpath
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
_spillway() {
  local line result=1
  local -a found
  for line in "\${(@f)$(spillway complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    case "$line" in
      :files) compset -P '-*='; _files && result=0 ;;
      :) ;;
      *) found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}") ;;
    esac
  done
  (( \${#found} )) && _describe spillway found && result=0
  return result
}
if [ "$funcstack[1]" = _spillway ]; then _spillway "$@"; else compdef _spillway spillway; fi
`,
  fish: `# fish completion of spillway: spillway completion fish | source
function __spillway_complete
  set -l words (commandline -opc) (commandline -ct)
  for line in (spillway complete -- $words[2..-1] 2>/dev/null)
    switch $line
      case ':files'
        set -l option (string match -r -- '^-[^=]*=' $words[-1])
        for path in (complete -C "'' "(string replace -r -- '^-[^=]*=' '' $words[-1]))
          echo "$option$path"
        end
      case ':'
      case '*'
        echo $line
    end
  end
end
complete -c spillway -f -a '(__spillway_complete)'
`,
};

/** What a shell reads so that it completes the command line. */
export function completionScript(shell: Shell): string {
  return scripts[shell];
}
