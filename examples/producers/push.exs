# Pushes each line of standard input to a list, with nothing but Elixir.
#
#     elixir push.exs redis://:password@localhost:6379 emails < lines.ndjson
#
# With Redix it is one call: Redix.command(conn, ["LPUSH", "emails", payload])

defmodule Push do
  def run(url, list) do
    where = URI.parse(url)
    host = String.to_charlist(where.host || "localhost")
    options = [:binary, packet: :line, active: false]
    {:ok, socket} = :gen_tcp.connect(host, where.port || 6379, options, 10_000)

    with userinfo when is_binary(userinfo) <- where.userinfo,
         [_, password] <- String.split(userinfo, ":", parts: 2) do
      ask(socket, ["AUTH", URI.decode(password)])
    end

    # Bytes, whatever they are: no line is taken for text.
    :ok = :io.setopts(:standard_io, encoding: :latin1)

    count =
      :stdio
      |> IO.binstream(:line)
      |> Enum.reduce(0, fn line, count ->
        ask(socket, ["LPUSH", list, String.trim_trailing(line, "\n")])
        count + 1
      end)

    IO.puts("Pushed #{count} messages to #{list}.")
  end

  defp ask(socket, words) do
    parts = for word <- words, do: ["$#{byte_size(word)}\r\n", word, "\r\n"]
    :ok = :gen_tcp.send(socket, ["*#{length(words)}\r\n" | parts])
    {:ok, reply} = :gen_tcp.recv(socket, 0, 10_000)

    unless String.starts_with?(reply, ["+", ":"]) do
      IO.puts(:stderr, "Redis answered: #{String.trim(reply)}")
      System.halt(1)
    end
  end
end

case System.argv() do
  [url, list] ->
    Push.run(url, list)

  _ ->
    IO.puts(:stderr, "Usage: elixir push.exs <redis URL> <list>")
    System.halt(1)
end
