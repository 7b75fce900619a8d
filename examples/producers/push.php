<?php
// Pushes each line of standard input to a list, with nothing but PHP.
//
//     php push.php redis://:password@localhost:6379 emails < lines.ndjson
//
// With the redis extension it is one call: $redis->lPush('emails', $payload)

function ask($connection, string ...$words): void
{
    $command = '*' . count($words) . "\r\n";
    foreach ($words as $word) {
        $command .= '$' . strlen($word) . "\r\n" . $word . "\r\n";
    }
    for ($sent = 0; $sent < strlen($command); $sent += $written) {
        $written = fwrite($connection, substr($command, $sent));
        if (!$written) {
            fail('The connection to Redis broke.');
        }
    }
    $reply = (string) fgets($connection);
    if (!preg_match('/^[+:]/', $reply)) {
        fail('Redis answered: ' . trim($reply));
    }
}

function fail(string $why): never
{
    fwrite(STDERR, $why . "\n");
    exit(1);
}

if ($argc !== 3) {
    fail('Usage: php push.php <redis URL> <list>');
}
[, $url, $list] = $argv;
$where = parse_url($url) ?: [];
$address = 'tcp://' . ($where['host'] ?? 'localhost') . ':' . ($where['port'] ?? 6379);
$connection = @stream_socket_client($address, $code, $message, 10);
if (!$connection) {
    fail("No connection to Redis: $message");
}
if (isset($where['pass'])) {
    ask($connection, 'AUTH', rawurldecode($where['pass']));
}
$count = 0;
while (($line = fgets(STDIN)) !== false) {
    ask($connection, 'LPUSH', $list, rtrim($line, "\r\n"));
    $count++;
}
echo "Pushed $count messages to $list.\n";
