package reach

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"muster/internal/admit"
	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/muster"
	"muster/internal/network/exposure"
	"muster/internal/network/space"
	"muster/internal/pagetoken"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/catalog"
	"muster/internal/store/storetest"
	"muster/internal/store/topology"
)

const (
	account = arn.AccountID("111122223333")
	region  = arn.Region("eu-west-1")
)

// open are facts of an instance whose ports 20 to 23 the internet reaches, and
// whose port 8080 one office does.
const open = `{
 "Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16"}],
 "Subnets": [{"SubnetId": "subnet-1", "VpcId": "vpc-1", "CidrBlock": "10.0.0.0/24"}],
 "InternetGateways": [{"InternetGatewayId": "igw-1", "Attachments": [{"VpcId": "vpc-1", "State": "available"}]}],
 "RouteTables": [{"RouteTableId": "rtb-1", "VpcId": "vpc-1", "Associations": [{"Main": true}],
  "Routes": [{"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1", "State": "active"}]}],
 "SecurityGroups": [{"GroupId": "sg-1", "VpcId": "vpc-1", "IpPermissions": [
  {"IpProtocol": "tcp", "FromPort": 20, "ToPort": 23, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
  {"IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8080, "IpRanges": [{"CidrIp": "9.9.9.0/24"}]}]}],
 "Reservations": [{"OwnerId": "111122223333", "Instances": [{"InstanceId": "i-1", "VpcId": "vpc-1", "State": {"Name": "running"},
  "NetworkInterfaces": [{"NetworkInterfaceId": "eni-1", "VpcId": "vpc-1", "SubnetId": "subnet-1", "Groups": [{"GroupId": "sg-1"}],
   "PrivateIpAddresses": [{"PrivateIpAddress": "10.0.0.5", "Association": {"PublicIp": "54.0.0.5"}}]}]}]}]
}`

// world is a desk on a store, with a clock that the test sets.
type world struct {
	*testing.T
	store *store.Store
	desk  *Service
	now   time.Time
}

// quiet is a scan desk that only listens.
type quiet struct{}

func (quiet) Ask(context.Context, *store.Tx, []catalog.Place, time.Time) error { return nil }

func (quiet) AskToForget(context.Context, *store.Tx, arn.AccountID, arn.Region, time.Time) error {
	return nil
}

func eachWorld(t *testing.T, c Config, fn func(w *world)) {
	t.Helper()
	storetest.EachURL(t, func(t *testing.T, url string) {
		w := &world{T: t, now: time.Date(2026, 11, 1, 6, 0, 0, 0, time.UTC)}
		clock := func() time.Time { return w.now }
		w.store = storetest.Open(t, url, store.Options{Now: clock})
		pages, err := pagetoken.New(pagetoken.NewKey())
		if err == nil {
			err = w.store.Update(t.Context(), func(tx *store.Tx) error {
				return activation.PutScans(t.Context(), tx, []activation.Scan{{Account: account, Region: region, Type: activation.EC2, Status: activation.Enabled, ChangedAt: w.now}})
			})
		}
		if err != nil {
			t.Fatal(err)
		}
		c := c
		c.Store, c.Pages, c.Scans, c.Now = w.store, pages, quiet{}, clock
		w.desk = New(c)
		fn(w)
	})
}

func (w *world) upload(in *muster.UploadNetworkFactsInput) (*muster.UploadNetworkFactsOutput, error) {
	call := &awsmodel.Call{Principal: arn.Principal{Kind: arn.RootUser, Account: account, ARN: account.Root()}, Region: region, Time: w.now}
	return w.desk.UploadNetworkFacts(w.Context(), call, in)
}

func whole(text string) *muster.UploadNetworkFactsInput {
	return &muster.UploadNetworkFactsInput{Files: []muster.NetworkFile{{Name: "all.json", Content: []byte(text)}}}
}

// work runs the analyses that are due, and says how many there were.
func (w *world) work() int {
	w.Helper()
	jobs, err := w.store.Claim(w.Context(), JobAnalyse, 10, time.Minute)
	for i := range jobs {
		if err == nil {
			err = w.desk.analyse(w.Context(), jobs[i])
		}
		if err == nil {
			err = w.store.Complete(w.Context(), jobs[i])
		}
	}
	if err != nil {
		w.Fatal(err)
	}
	return len(jobs)
}

// found are the titles of what is stored of the instance.
func (w *world) found() []string {
	w.Helper()
	n, err := store.Read(w.Context(), w.store, func(tx *store.Tx) (topology.Instance, error) {
		return topology.LookupInstance(w.Context(), tx, account, region, "i-1")
	})
	if err != nil {
		w.Fatal(err)
	}
	var out []string
	for i := range n.Findings {
		title, _, _ := strings.Cut(n.Findings[i].Title, " is reachable")
		out = append(out, title)
	}
	slices.Sort(out)
	return out
}

func (w *world) analysedAt() time.Time {
	w.Helper()
	n, err := store.Read(w.Context(), w.store, func(tx *store.Tx) (topology.Snapshot, error) {
		return topology.LookupSnapshot(w.Context(), tx, account, region)
	})
	if err != nil {
		w.Fatal(err)
	}
	return n.AnalysedAt
}

// TestEveryTwelveHours: where nothing changes, everything is worked out again
// twelve hours after it was last, and not before; a change is at once, and does
// not put that off.
func TestEveryTwelveHours(t *testing.T) {
	t.Parallel()
	eachWorld(t, Config{}, func(w *world) {
		if _, err := w.upload(whole(open)); err != nil || w.work() != 1 {
			w.Fatalf("the upload is not analysed: %v", err)
		}
		begin := w.now
		w.now = begin.Add(5 * time.Hour)
		if _, err := w.upload(whole(strings.Replace(open, `"ToPort": 23`, `"ToPort": 22`, 1))); err != nil || w.work() != 1 {
			w.Fatalf("the change is not analysed: %v", err)
		}
		if got := w.found(); !slices.Equal(got, []string{"Port 20", "Port 21", "Port 22", "Port 8080"}) {
			w.Errorf("found %q", got)
		}
		w.now = begin.Add(12*time.Hour - time.Minute)
		if n := w.work(); n != 0 {
			w.Errorf("%d analyses before twelve hours are over", n)
		}
		for i := range 3 {
			w.now = begin.Add(time.Duration(i+1) * 12 * time.Hour)
			if n := w.work(); n != 1 || !w.analysedAt().Equal(w.now) {
				w.Errorf("%d analyses after %v, the last one at %v", n, w.now.Sub(begin), w.analysedAt())
			}
		}
	})
}

// TestFindingsAsConfigured: coarse findings are one for a run of ports; trusted
// sources raise none alone.
func TestFindingsAsConfigured(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		options exposure.Options
		want    []string
	}{
		{exposure.Options{}, []string{"Port 20", "Port 21", "Port 22", "Port 23", "Port 8080"}},
		{exposure.Options{Coarse: true}, []string{"Port 8080", "Port range 20-23"}},
		{exposure.Options{Trusted: space.Of(netip.MustParsePrefix("9.9.0.0/16"))}, []string{"Port 20", "Port 21", "Port 22", "Port 23"}},
	} {
		eachWorld(t, Config{Findings: c.options}, func(w *world) {
			if _, err := w.upload(whole(open)); err != nil || w.work() != 1 {
				w.Fatalf("the upload is not analysed: %v", err)
			}
			if got := w.found(); !slices.Equal(got, c.want) {
				w.Errorf("%+v: found %q, want %q", c.options, got, c.want)
			}
		})
	}
}

// TestBrokenUploadsChangeNothing: what was cut off, or is too large together
// with what waits, is refused in words, and the facts in force stay.
func TestBrokenUploadsChangeNothing(t *testing.T) {
	t.Parallel()
	eachWorld(t, Config{}, func(w *world) {
		if _, err := w.upload(whole(open)); err != nil || w.work() != 1 {
			w.Fatalf("the upload is not analysed: %v", err)
		}
		before := w.found()
		packed := zipped(w.T, strings.Replace(open, `"ToPort": 23`, `"ToPort": 90`, 1))
		for name, in := range map[string]*muster.UploadNetworkFactsInput{
			"cut off, compressed": whole(string(packed[:len(packed)/2])),
			"cut off":             whole(open[:len(open)/2]),
			"of a part only":      {UploadId: new("upload-1"), Files: []muster.NetworkFile{{Name: "all.json", Content: packed[20:], Part: new(int32(1))}}},
			"empty":               whole("{}"),
		} {
			_, err := w.upload(in)
			if _, refused := errors.AsType[*muster.ValidationException](err); !refused || w.work() != 0 || !slices.Equal(w.found(), before) {
				w.Errorf("%s: %v, found %q", name, err, w.found())
			}
		}
		part := &muster.UploadNetworkFactsInput{Incomplete: new(true), Files: []muster.NetworkFile{{Name: "all.json", Content: make([]byte, mostWaiting/2+1)}}}
		if _, err := w.upload(part); err != nil {
			w.Fatal(err)
		}
		if _, err := w.upload(part); err == nil || !strings.Contains(err.Error(), "128 MiB") {
			w.Errorf("more than may wait: %v", err)
		}
		w.now = w.now.Add(uploadLife + time.Minute)
		if _, err := w.upload(part); err != nil {
			w.Errorf("what waited for a day is in the way: %v", err)
		}
	})
}

// TestUploadsAreBounded: of many uploads at the same time some wait, the others
// are told to come back.
func TestUploadsAreBounded(t *testing.T) {
	t.Parallel()
	eachWorld(t, Config{Uploads: admit.Limits{Inside: 1, Waiting: 2, Patience: time.Minute}}, func(w *world) {
		leave, err := w.desk.uploads.Enter(w.Context(), "somebody")
		if err != nil {
			w.Fatal(err)
		}
		var wait sync.WaitGroup
		answers := make(chan error, 8)
		for range cap(answers) {
			wait.Go(func() {
				_, err := w.upload(whole(open))
				answers <- err
			})
		}
		for range cap(answers) - 2 { // Refusals come at once, the others when there is room.
			fault, ok := errors.AsType[*awsmodel.Fault](<-answers)
			if !ok || fault.Code != "Throttling" || fault.RetryAfter == 0 {
				w.Errorf("refused with %+v", fault)
			}
		}
		leave()
		wait.Wait()
		close(answers)
		for err := range answers {
			if err != nil {
				w.Errorf("what waited: %v", err)
			}
		}
		if waiting, inside := w.desk.uploads.Waiting(); waiting+inside != 0 {
			w.Errorf("%d wait and %d are inside", waiting, inside)
		}
	})
}
