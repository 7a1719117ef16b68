package webidentitytest

import (
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
)

// Who a Server knows: a client, and two people by their subjects.
const (
	Client   = "muster"
	Secret   = "of the client"
	Password = "verysecure"
	// First and Second are the names they sign in with, FirstSubject and
	// SecondSubject what their tokens say.
	First         = "test-user@localhost"
	FirstSubject  = "id1"
	Second        = "test-user2"
	SecondSubject = "id2"
)

// Server starts a real provider on loopback with a page to sign in at, and
// returns its issuer. Browsers come back to the redirect.
func Server(t testing.TB, redirect string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	issuer := "http://localhost:" + port + "/"
	client := storage.WebClient(Client, Secret, redirect)
	people := storage.NewStorageWithClients(storage.NewUserStore(issuer), map[string]*storage.Client{Client: client})
	router := exampleop.SetupServer(issuer, people, nil, false)
	server := &http.Server{Handler: router, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	return issuer
}
