// A sidecar that keeps the contract, version 1: it greets over HTTP whoever shows the token.
// The standard library alone.
package main

import (
	"context"
	"crypto/subtle"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Hosts wait for 8 s.
const grace = 6 * time.Second

func allowed(shown, token string) bool {
	return token == "" || subtle.ConstantTimeCompare([]byte(shown), []byte("Bearer "+token)) == 1
}

func main() {
	// First: from here on a signal ends the program as it wants to be ended. Ctrl-Break of Windows
	// comes as os.Interrupt.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt, syscall.SIGHUP)
	ended := make(chan struct{})
	if os.Getenv("SIDECAR_EXIT_ON_EOF") == "1" {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			close(ended)
		}()
	}

	port := os.Getenv("SIDECAR_PORT")
	if port == "" {
		port = "0"
	}
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		log.Fatal(err) // to stderr: stdout is the protocol's
	}
	token := os.Getenv("SIDECAR_TOKEN")
	server := &http.Server{
		ReadHeaderTimeout: grace,
		Handler: http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
			if !allowed(request.Header.Get("Authorization"), token) {
				http.Error(writer, "no token", http.StatusUnauthorized)
				return
			}
			fmt.Fprintln(writer, "sidecar-contract 0.1.0")
		}),
	}
	go func() { _ = server.Serve(listener) }()

	// Go writes each line at once.
	fmt.Printf("LISTEN port=%d\nREADY\n", listener.Addr().(*net.TCPAddr).Port)

	select {
	case <-signals:
	case <-ended:
	}
	limit, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	if err := server.Shutdown(limit); err != nil {
		os.Exit(1)
	}
}
