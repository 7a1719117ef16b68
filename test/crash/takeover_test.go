package crash

import (
	"fmt"
	"testing"
	"time"

	"muster/internal/store"

	"github.com/aws/aws-sdk-go-v2/service/inspector2"
	"github.com/aws/aws-sdk-go-v2/service/inspector2/types"
)

// soon is far less than the lease that a killed server's jobs have left.
const soon = 5 * time.Second

// TestRestartTakesOverAtOnce kills a server in the middle of a transition, with
// the job that ends it claimed for long. The next server on the embedded store
// does not wait for that.
func TestRestartTakesOverAtOnce(t *testing.T) {
	p := newProcess(t, "")
	p.transition = 300 * time.Millisecond // time enough to kill it
	p.start(t)
	c := p.signUp(t)
	for round, change := range []func() error{
		func() error {
			_, err := c.inspector.Enable(t.Context(), &inspector2.EnableInput{ResourceTypes: []types.ResourceScanType{types.ResourceScanTypeEc2}})
			return err
		},
		func() error {
			_, err := c.inspector.Disable(t.Context(), &inspector2.DisableInput{ResourceTypes: []types.ResourceScanType{types.ResourceScanTypeEc2}})
			return err
		},
	} {
		want := []types.Status{types.StatusEnabled, types.StatusDisabled}[round]
		if err := change(); err != nil {
			t.Fatal(err)
		}
		p.kill()
		claimForLong(t, p, "inspector.scans")
		begun := time.Now()
		ready := p.start(t)
		eventually(t, soon, func() error {
			out, err := c.inspector.BatchGetAccountStatus(t.Context(), &inspector2.BatchGetAccountStatusInput{})
			if err != nil {
				return err
			}
			if got := out.Accounts[0].ResourceState.Ec2.Status; got != want {
				return fmt.Errorf("scanning is %s, want %s", got, want)
			}
			return nil
		})
		t.Logf("%s %v after the start, which took %v", want, time.Since(begun), ready)
	}
}

// claimForLong claims the one job of a kind as a server does that is killed
// then.
func claimForLong(t *testing.T, p *process, kind string) {
	t.Helper()
	s, err := store.Open(t.Context(), "sqlite:"+p.data+"/muster.db", store.Options{Now: func() time.Time { return time.Now().Add(time.Second) }})
	if err != nil {
		t.Fatal(err)
	}
	jobs, err := s.Claim(t.Context(), kind, 10, time.Hour)
	if err != nil || len(jobs) != 1 {
		t.Errorf("claimed %v, %v", jobs, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
