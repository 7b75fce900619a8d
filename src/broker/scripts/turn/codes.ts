import { codeSets, effectCodes, outcomeCodes } from "../../outcome-codes.ts";

const effects = new RegExp(`[${effectCodes}]`, "g");

function luaOf(keep: (members: string) => string): string {
  const codes = Object.entries(outcomeCodes).filter(([, code]) => keep(code) !== "");
  return `
local codes = {${codes.map(([name, code]) => `${name}='${code}'`)}}
local sets = {${Object.entries(codeSets).map(([name, members]) => `${name}='[${keep(members)}]'`)}}
`;
}

/**
 * The outcome codes and their sets, by the names that TypeScript knows them by; a set is a pattern of one code. Effects
 * are unknown here: this script would acknowledge their messages and run none.
 */
export const codesLua: string = luaOf((members) => members.replace(effects, ""));

/** The same for `turnFull`, which knows them. */
export const fullCodesLua: string = luaOf((members) => members);
