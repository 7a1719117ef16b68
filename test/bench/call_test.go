package bench

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"muster/internal/arn"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// request is a signed call, ready to be sent again and again.
type request struct {
	url    string
	header http.Header
	body   []byte
}

// root is an access key of the account's root user.
func (w *world) root(b *testing.B, account arn.AccountID) aws.Credentials {
	b.Helper()
	if _, ok := w.keys[account]; !ok {
		key, err := w.server.Operator().IssueRootKey(b.Context(), account)
		if err != nil {
			b.Fatal(err)
		}
		w.keys[account] = key
	}
	return aws.Credentials{AccessKeyID: w.keys[account].ID, SecretAccessKey: w.keys[account].Secret}
}

// sign makes a call of a service for an account.
func (w *world) sign(b *testing.B, account arn.AccountID, service, path, contentType, body string) request {
	b.Helper()
	r, err := http.NewRequest(http.MethodPost, w.server.URL()+path, nil)
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Content-Type", contentType)
	sum := sha256.Sum256([]byte(body))
	r.ContentLength = int64(len(body))
	err = v4.NewSigner().SignHTTP(b.Context(), w.root(b, account), r, hex.EncodeToString(sum[:]), service, string(region), time.Now())
	if err != nil {
		b.Fatal(err)
	}
	return request{r.URL.String(), r.Header, []byte(body)}
}

// inspector signs a call of Inspector.
func (w *world) inspector(b *testing.B, account arn.AccountID, path, body string) request {
	b.Helper()
	return w.sign(b, account, "inspector2", path, "application/json", body)
}

// send sends the call and returns the answer, which must be 200.
func (w *world) send(r request) ([]byte, error) {
	h, err := http.NewRequest(http.MethodPost, r.url, bytes.NewReader(r.body))
	if err != nil {
		return nil, err
	}
	h.Header = r.header
	res, err := w.client.Do(h)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", res.Status, answer)
	}
	return answer, err
}

// latencies collects how long calls took.
type latencies struct {
	mu   sync.Mutex
	list []time.Duration
}

func (l *latencies) add(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, d)
}

// report gives calls per second, and the median and 99th percentile of how
// long a call took.
func (l *latencies) report(b *testing.B) {
	b.Helper()
	slices.Sort(l.list)
	at := func(share float64) float64 {
		return float64(l.list[int(share*float64(len(l.list)-1))].Microseconds()) / 1000
	}
	b.ReportMetric(at(0.50), "p50-ms")
	b.ReportMetric(at(0.99), "p99-ms")
	b.ReportMetric(float64(len(l.list))/b.Elapsed().Seconds(), "calls/s")
}

// BenchmarkCall is a cheap signed call over loopback with kept connections,
// every signature checked and every call written to the audit log: four
// clients at once.
func BenchmarkCall(b *testing.B) {
	eachEngine(b, func(b *testing.B, w *world) {
		w.organize(10)
		w.store1(b, 10)
		const form = "application/x-www-form-urlencoded"
		for name, r := range map[string]request{
			"GetCallerIdentity": w.sign(b, audit, "sts", "/", form, "Action=GetCallerIdentity&Version=2011-06-15"),
			"ListFindings":      w.inspector(b, audit, "/findings/list", `{"maxResults":1}`),
			"GetMember":         w.inspector(b, audit, "/members/get", `{"accountId":"`+string(member(1))+`"}`),
		} {
			b.Run(name, func(b *testing.B) {
				var l latencies
				b.SetParallelism(2)
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						began := time.Now()
						if _, err := w.send(r); err != nil {
							b.Error(err)
							return
						}
						l.add(time.Since(began))
					}
				})
				l.report(b)
			})
		}
	})
}
