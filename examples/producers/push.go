// Pushes each line of standard input to a list, with nothing but Go's own library.
//
//	go run push.go redis://:password@localhost:6379 emails < lines.ndjson
//
// With go-redis it is one call: rdb.LPush(ctx, "emails", payload)
package main

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"net"
	"net/url"
	"os"
	"strings"
	"time"
)

func ask(connection *bufio.ReadWriter, words ...string) error {
	fmt.Fprintf(connection, "*%d\r\n", len(words))
	for _, word := range words {
		fmt.Fprintf(connection, "$%d\r\n%s\r\n", len(word), word)
	}
	if err := connection.Flush(); err != nil {
		return err
	}
	reply, err := connection.ReadString('\n')
	if err == nil && !strings.HasPrefix(reply, "+") && !strings.HasPrefix(reply, ":") {
		err = fmt.Errorf("Redis answered: %s", strings.TrimSpace(reply))
	}
	return err
}

func push(address *url.URL, list string, lines *bufio.Reader) (int, error) {
	port := address.Port()
	if port == "" {
		port = "6379"
	}
	opened, err := net.DialTimeout("tcp", net.JoinHostPort(address.Hostname(), port), 10*time.Second)
	if err != nil {
		return 0, err
	}
	defer opened.Close()
	connection := bufio.NewReadWriter(bufio.NewReader(opened), bufio.NewWriter(opened))
	if password, has := address.User.Password(); has {
		if err := ask(connection, "AUTH", password); err != nil {
			return 0, err
		}
	}
	for count := 0; ; count++ {
		line, err := lines.ReadString('\n')
		if line == "" && err == io.EOF {
			return count, nil
		}
		if err != nil && err != io.EOF {
			return count, err
		}
		if err := ask(connection, "LPUSH", list, strings.TrimRight(line, "\r\n")); err != nil {
			return count, err
		}
	}
}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("Usage: go run push.go <redis URL> <list>")
	}
	address, err := url.Parse(os.Args[1])
	if err != nil {
		log.Fatal("The first argument must be a URL such as redis://localhost:6379.")
	}
	count, err := push(address, os.Args[2], bufio.NewReader(os.Stdin))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("Pushed %d messages to %s.\n", count, os.Args[2])
}
