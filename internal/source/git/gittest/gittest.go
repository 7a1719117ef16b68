// Package gittest serves Git repositories to tests, with Git's own server over
// smart HTTP.
package gittest

import (
	"net/http"
	"net/http/cgi"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"muster/internal/testshared"
)

// Server is an http.Handler with repositories.
type Server struct {
	// User and Password are asked for unless they are empty.
	User, Password string
	// Fetches counts the packs that were asked for.
	Fetches atomic.Int64

	root string
	git  string
	cgi  http.Handler
}

// New returns a server without repositories.
func New(t testing.TB) *Server {
	t.Helper()
	s := &Server{root: t.TempDir(), git: testshared.Tool(t, "git")}
	out, err := exec.Command(s.git, "--exec-path").Output()
	if err != nil {
		t.Fatal(err)
	}
	s.cgi = &cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(out)), "git-http-backend"), Dir: s.root,
		Env: []string{"GIT_PROJECT_ROOT=" + s.root, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_NOSYSTEM=1"},
	}
	return s
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if user, password, ok := r.BasicAuth(); s.Password != "" && (!ok || user != s.User || password != s.Password) {
		w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	if r.Method == http.MethodPost {
		s.Fetches.Add(1)
	}
	s.cgi.ServeHTTP(w, r)
}

// Run runs git in a repository and returns what it prints.
func (s *Server) Run(t testing.TB, name string, stdin string, args ...string) string {
	t.Helper()
	cmd := exec.Command(s.git, append([]string{"-C", filepath.Join(s.root, name)}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com",
		"GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com", "GIT_INDEX_FILE="+s.index())
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// Repository makes an empty repository; its default branch is main.
func (s *Server) Repository(t testing.TB, name string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(s.root, name), 0o755); err != nil {
		t.Fatal(err)
	}
	s.Run(t, name, "", "init", "--quiet", "--bare", "--initial-branch=main", ".")
	s.Run(t, name, "", "config", "uploadpack.allowFilter", "true")
}

// Commit puts files on a reference, main where it is "", in place of all that
// was there, and returns the commit.
func (s *Server) Commit(t testing.TB, name, ref string, files map[string]string) string {
	t.Helper()
	if ref == "" {
		ref = "refs/heads/main"
	}

	_ = os.Remove(s.index()) // of an earlier commit, perhaps

	var list strings.Builder
	for file, content := range files {
		list.WriteString("100644 " + s.Run(t, name, content, "hash-object", "-w", "--stdin") + "\t" + file + "\n")
	}
	s.Run(t, name, list.String(), "update-index", "--index-info")
	tree := s.Run(t, name, "", "write-tree")
	args := []string{"commit-tree", tree, "-m", "a change"}
	if before := s.Run(t, name, "", "for-each-ref", "--format=%(objectname)", ref); before != "" {
		args = append(args, "-p", before)
	}
	commit := s.Run(t, name, "", args...)
	s.Run(t, name, "", "update-ref", ref, commit)
	return commit
}

// index is where the files of a commit are gathered.
func (s *Server) index() string { return filepath.Join(s.root, "index") }

// Head is the commit at a branch, "" where there is none.
func (s *Server) Head(name, branch string) string {
	out, err := exec.Command(s.git, "-C", filepath.Join(s.root, name), "rev-parse", "--verify", "--quiet", "refs/heads/"+branch).Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}
