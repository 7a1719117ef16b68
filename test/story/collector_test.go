package story

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"muster/internal/collect/collecttest"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/rogpeppe/go-internal/testscript"
)

// cloud stands in for AWS: its STS is the world's own server, which knows the
// roles and who may assume them; its EC2 knows the networks of the accounts
// "one" and "two" in eu-west-1.
type cloud struct {
	*httptest.Server
	ec2   *collecttest.Server
	world atomic.Pointer[world]

	mu sync.Mutex
	// sessions are the credentials that STS gave, by key.
	sessions map[string]session
	// accounts are those whose networks EC2 knows, by the world's ids.
	accounts map[string]string
	denied   string
}

type session struct{ account, secret, token string }

type cleaner struct{ env *testscript.Env }

func (c cleaner) Cleanup(end func()) { c.env.Defer(end) }

type cloudKey struct{}

func newCloud(env *testscript.Env) *cloud {
	c := &cloud{ec2: collecttest.New(cleaner{env}), sessions: map[string]session{}}
	fail := func(call collecttest.Call) *collecttest.Failure {
		c.mu.Lock()
		defer c.mu.Unlock()
		if call.Action == c.denied {
			return &collecttest.Failure{Status: http.StatusForbidden, Code: "UnauthorizedOperation", Message: "You are not authorized to perform this operation."}
		}
		return nil
	}
	c.ec2.Configure(func(s *collecttest.Server) { s.Account, s.Fail = c.whose, fail })
	c.Server = httptest.NewServer(c)
	env.Defer(c.Close)
	env.Values[cloudKey{}] = c
	return c
}

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.Contains(r.Header.Get("Authorization"), "/sts/aws4_request") {
		c.ec2.ServeHTTP(w, r)
		return
	}
	u, err := url.Parse(c.world.Load().endpoint)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	rec := httptest.NewRecorder()
	(&httputil.ReverseProxy{Director: func(r *http.Request) { r.URL.Scheme, r.URL.Host = u.Scheme, u.Host }}).ServeHTTP(rec, r)
	c.remember(rec.Body.String())
	for key, values := range rec.Header() {
		w.Header()[key] = values
	}
	w.WriteHeader(rec.Code)
	_, _ = w.Write(rec.Body.Bytes()) // A client that is gone is its own affair.
}

var issued = regexp.MustCompile(`(?s)<(AccessKeyId|SecretAccessKey|SessionToken|Arn)>(.*?)</`)

// remember notes credentials that STS gives.
func (c *cloud) remember(body string) {
	found := map[string]string{}
	for _, m := range issued.FindAllStringSubmatch(body, -1) {
		found[m[1]] = m[2]
	}
	if found["AccessKeyId"] == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sessions[found["AccessKeyId"]] = session{strings.Split(found["Arn"], ":")[4], found["SecretAccessKey"], found["SessionToken"]}
}

var signed = regexp.MustCompile(`Credential=([^/]+)/\d{8}/([^/]+)/([^/]+)/aws4_request, ?SignedHeaders=([^,]+)`)

// whose checks a signature and tells whose networks the caller may see.
func (c *cloud) whose(r *http.Request, body []byte) (string, error) {
	m := signed.FindStringSubmatch(r.Header.Get("Authorization"))
	if m == nil {
		return "", errors.New("not signed")
	}
	c.mu.Lock()
	s, known := c.sessions[m[1]]
	c.mu.Unlock()
	if !known || r.Header.Get("X-Amz-Security-Token") != s.token {
		return "", errors.New("not a session of STS")
	}
	again, err := http.NewRequestWithContext(r.Context(), r.Method, "http://"+r.Host+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	for name := range strings.SplitSeq(m[4], ";") {
		if v := r.Header.Get(name); v != "" {
			again.Header.Set(name, v)
		}
	}
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(body)
	err = v4.NewSigner().SignHTTP(r.Context(), aws.Credentials{AccessKeyID: m[1], SecretAccessKey: s.secret, SessionToken: s.token}, again, hex.EncodeToString(sum[:]), m[3], m[2], at)
	if err != nil || again.Header.Get("Authorization") != r.Header.Get("Authorization") {
		return "", fmt.Errorf("the signature is wrong (%w)", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.accounts[s.account], nil
}

// collectorCommand: collector PROFILE KEYS JSON creates a network collector of
// a profile's account that assumes roles with the keys of another profile.
func collectorCommand(ts *testscript.TestScript, neg bool, args []string) {
	w := worldOf(ts)
	c := ts.Value(cloudKey{}).(*cloud)
	c.mu.Lock()
	c.accounts = map[string]string{ts.Getenv("ONE"): "111122223333", ts.Getenv("TWO"): "444455556666"}
	c.mu.Unlock()
	in := map[string]any{}
	if err := json.Unmarshal([]byte(args[2]), &in); err != nil {
		ts.Fatalf("collector: %v", err)
	}
	in["accessKeyId"], in["secretAccessKey"] = w.profiles[args[1]].id, w.profiles[args[1]].secret
	var out json.RawMessage
	err := w.musterCall(args[0], "CreateNetworkCollector", in, &out)
	if (err != nil) != neg {
		ts.Fatalf("collector %v: %v", args, err)
	}
	if w.stdout = string(out); err != nil {
		w.stdout = err.Error()
	}
}

// denyCommand: deny ACTION has the cloud refuse an action from now on; without
// one, nothing.
func denyCommand(ts *testscript.TestScript, _ bool, args []string) {
	c := ts.Value(cloudKey{}).(*cloud)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.denied = strings.Join(args, "")
}
