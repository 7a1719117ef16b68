package collect

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"muster/internal/collect/collecttest"
	"muster/internal/collect/query"
	"muster/internal/network"
	"muster/internal/network/facts"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

func options(s *collecttest.Server, account string) query.Options {
	return query.Options{
		Credentials: credentials.NewStaticCredentialsProvider(account, "secret", ""), Region: "eu-west-1", Endpoint: s.URL,
	}
}

func collect(t *testing.T, s *collecttest.Server, account string) *Result {
	t.Helper()
	r, err := Collect(t.Context(), options(s, account))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// read gives the files of several accounts to the analysis.
func read(t *testing.T, results map[string]*Result) *facts.Facts {
	t.Helper()
	var r facts.Reader
	for account, got := range results {
		for _, f := range got.Files {
			if err := r.Add(account+"/eu-west-1/"+f.Name, bytes.NewReader(f.Data)); err != nil {
				t.Fatal(err)
			}
		}
	}
	f, err := r.Facts()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestCollect: all that two accounts tell, in pages, is what the analysis
// needs, and no secret is among it.
func TestCollect(t *testing.T) {
	s := collecttest.New(t)
	a, b := collect(t, s, "111122223333"), collect(t, s, "444455556666")
	for _, r := range []*Result{a, b} {
		for _, f := range r.Failures {
			t.Errorf("%s: %v", f.File, f.Err)
		}
		for _, f := range r.Files {
			if bytes.Contains(f.Data, []byte("plainTextSecret")) {
				t.Errorf("%s holds a secret", f.Name)
			}
		}
	}
	f := read(t, map[string]*Result{"111122223333": a, "444455556666": b})
	n := network.New(f)
	for _, c := range []struct {
		from, to string
		want     bool
	}{
		{"internet", "i-0aa1:22", true},
		{"192.0.2.7", "198.51.100.5:22", false},
		{"internet", "i-0aa1:80", true}, // Over the load balancers.
		{"internet", "i-0aa1:8080", false},
		{"2600:1f18::1", "[2a05:d018:1234:1a01::5]:22", true},
		{"i-0bb1", "i-0aa2:5432", true},
		{"i-0aa2", "i-0bb1:5432", true},
		{"vgw-0aa1", "i-0aa2:5432", true},
		{"192.168.99.1", "i-0aa2:5432", false},
		{"i-0aa1", "i-0aa2:8080", true},
		{"i-0aa1", "i-0bb2:9999", true},
	} {
		q, err := n.ParseQuestion(c.from, c.to, "")
		if err != nil {
			t.Errorf("%s to %s: %v", c.from, c.to, err)
			continue
		}
		if got, err := n.Why(q); err != nil || got.Reachable != c.want {
			t.Errorf("%s reaches %s: %v (%v), want %v", c.from, c.to, got.Reachable, err, c.want)
		}
	}
	through := map[string]bool{}
	for _, x := range n.Exposures() {
		if x.Through != "" {
			through[string(x.Through)+" "+string(x.Instance)] = true
		}
	}
	const elb = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/"
	for _, want := range []string{elb + "app/front/50dc6c495c0c9188 i-0aa1", elb + "net/edge/70dc6c495c0c9188 i-0aa2", elb + "old i-0aa1"} {
		if !through[want] {
			t.Errorf("nothing is exposed through %s; there is %v", want, through)
		}
	}
	if len(f.LoadBalancers) != 4 {
		t.Errorf("%d load balancers, want 4: those of one name in two accounts are two", len(f.LoadBalancers))
	}
}

// TestCollectSame: the same answers in another order and with other pages make
// the same files.
func TestCollectSame(t *testing.T) {
	s := collecttest.New(t)
	before := collect(t, s, "111122223333")
	s.Configure(func(s *collecttest.Server) { s.Page = 1000 })
	const key = "111122223333 eu-west-1 DescribeSubnets"
	rows := strings.SplitAfter(s.Rows(key), "</item>\n")
	slices.Reverse(rows)
	s.Set(key, strings.Join(rows, ""))
	if after := collect(t, s, "111122223333"); !reflect.DeepEqual(before, after) {
		t.Error("the files differ")
	}
}

// direct are options to ask a server without connections, so that time may be
// virtual. The SDK's adaptive pace waits for real time only.
func direct(s *collecttest.Server) query.Options {
	return query.Options{
		Credentials: credentials.NewStaticCredentialsProvider("111122223333", "secret", ""), Region: "eu-west-1", HTTP: &http.Client{Transport: s, Timeout: time.Minute},
		Retryer: retry.NewStandard(query.Persistent),
	}
}

// TestCollectFailures: throttling and broken connections are passed over; what
// is refused is told, and without what every analysis needs nothing is.
func TestCollectFailures(t *testing.T) {
	denied := &collecttest.Failure{Status: http.StatusForbidden, Code: "UnauthorizedOperation", Message: "You are not authorized to perform this operation."}
	throttled := &collecttest.Failure{Status: http.StatusServiceUnavailable, Code: "RequestLimitExceeded", Message: "Request limit exceeded."}
	t.Run("throttled", func(t *testing.T) {
		want := collect(t, collecttest.New(t), "111122223333")
		s := collecttest.New(t)
		s.Fail = func(c collecttest.Call) *collecttest.Failure {
			switch {
			case c.Nth <= 3 && (c.Action == "DescribeVpcs" || c.Action == "DescribeTargetHealth" || c.Action == "DescribeRules"):
				return throttled
			case c.Nth == 2 && c.Action == "DescribeSubnets":
				return &collecttest.Failure{Status: http.StatusInternalServerError, Code: "InternalError", Message: "An internal error has occurred"}
			}
			return nil
		}
		synctest.Test(t, func(t *testing.T) {
			got, err := Collect(t.Context(), direct(s))
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%v, or the files differ from those without throttling", err)
			}
		})
	})
	t.Run("denied a part", func(t *testing.T) {
		s := collecttest.New(t)
		s.Fail = func(c collecttest.Call) *collecttest.Failure {
			if c.Action == "DescribeTargetHealth" || c.Action == "GetManagedPrefixListEntries" || c.Service == "directconnect" {
				return denied
			}
			return nil
		}
		r := collect(t, s, "111122223333")
		var names []string
		for _, f := range r.Failures {
			names = append(names, f.File)
			if !Denied(f.Err) {
				t.Errorf("%s: %v is not told as denied", f.File, f.Err)
			}
		}
		want := []string{"DescribeDirectConnectGateways.json", "DescribeManagedPrefixLists.json", "DescribeTargetHealth.json", "DescribeVirtualInterfaces.json"}
		if !slices.Equal(slices.Compact(names), want) {
			t.Errorf("failures %v, want %v", names, want)
		}
		for _, l := range read(t, map[string]*Result{"111122223333": r}).PrefixLists {
			if l.Known {
				t.Errorf("prefix list %s counts as known", l.ID)
			}
		}
	})
	t.Run("denied", func(t *testing.T) {
		s := collecttest.New(t)
		s.Fail = func(c collecttest.Call) *collecttest.Failure {
			if c.Action == "DescribeSecurityGroups" {
				return denied
			}
			return nil
		}
		_, err := Collect(t.Context(), options(s, "111122223333"))
		if !Denied(err) || !strings.Contains(err.Error(), "ec2:DescribeSecurityGroups") {
			t.Errorf("%v, want the call that was denied", err)
		}
	})
	t.Run("always throttled", func(t *testing.T) {
		s := collecttest.New(t)
		s.Fail = func(c collecttest.Call) *collecttest.Failure { return throttled }
		synctest.Test(t, func(t *testing.T) {
			if _, err := Collect(t.Context(), direct(s)); !Throttled(err) {
				t.Errorf("%v, want throttling", err)
			}
		})
		for _, c := range s.Calls() {
			if c.Nth > 10 {
				t.Errorf("%s was tried %d times", c.Action, c.Nth)
			}
		}
	})
	t.Run("slow", func(t *testing.T) {
		s := collecttest.New(t)
		s.Fail = func(c collecttest.Call) *collecttest.Failure { time.Sleep(time.Hour); return nil }
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
			defer cancel()
			if _, err := Collect(ctx, direct(s)); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v, want that nobody waits any longer", err)
			}
		})
	})
}

// TestForms: Amazon's own client reads the same out of what the server answers
// as the collector does, so that the server's forms are the services'.
func TestForms(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err == nil {
		err = exec.Command(python, "-c", "import boto3").Run()
	}
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("python3 with boto3 is needed: ", err)
		}
		t.Skip("python3 with boto3 is needed")
	}
	s := collecttest.New(t)
	s.Configure(func(s *collecttest.Server) { s.Page = 1000 })
	dir := filepath.Join(t.TempDir(), "111122223333", "eu-west-1")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, filepath.Join("testdata", "describe.py"), s.URL, dir)
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=111122223333", "AWS_SECRET_ACCESS_KEY=secret", "AWS_DEFAULT_REGION=eu-west-1", "AWS_EC2_METADATA_DISABLED=true")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	theirs, err := facts.Read(filepath.Dir(filepath.Dir(dir)))
	if err != nil {
		t.Fatal(err)
	}
	ours := read(t, map[string]*Result{"111122223333": collect(t, s, "111122223333")})
	for i := range theirs.TransitTables { // They are asked once here, in halves there.
		slices.SortFunc(theirs.TransitTables[i].Routes, func(a, b facts.TransitRoute) int { return strings.Compare(a.CIDR.String(), b.CIDR.String()) })
	}
	for i := range ours.Instances { // Both forms of the time are the same one.
		ours.Instances[i].Launched = theirs.Instances[i].Launched
	}
	for i := range theirs.TargetGroups { // The collector leaves out what changes all the time.
		for j := range theirs.TargetGroups[i].Targets {
			theirs.TargetGroups[i].Targets[j].Health = ""
		}
	}
	a, b := reflect.ValueOf(*theirs), reflect.ValueOf(*ours)
	for i := range a.NumField() {
		if x, y := text(t, a.Field(i).Interface()), text(t, b.Field(i).Interface()); x != y {
			t.Errorf("%s: boto3 reads\n%s\nthe collector\n%s", a.Type().Field(i).Name, x, y)
		}
	}
}

func text(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
