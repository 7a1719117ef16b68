package fleet_test

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"muster/internal/agentwire"
	"muster/internal/arn"
	"muster/internal/awsmodel/muster"
	"muster/internal/store"
)

func TestEnrolGivesAnIdentity(t *testing.T) {
	each(t, func(w *world) {
		a := w.activate(ours, muster.CreateActivationInput{Region: new("eu-west-1"), HostLabel: new("db-7"), ExpiresInSeconds: new(int32(60))})
		if !a.ExpiresAt.Equal(w.now.Add(time.Minute)) || a.ActivationId == "" {
			t.Errorf("activation %+v", a)
		}
		out, err := w.tryEnrol(request(a.ActivationCode, "m1", "k1"), "k1")
		if err != nil {
			t.Fatal(err)
		}
		if !regexp.MustCompile(`^i-[0-9a-f]{17}$`).MatchString(string(out.HostID)) {
			t.Errorf("host id %q", out.HostID)
		}
		if out.AccountID != string(ours) || out.Region != "eu-west-1" || !out.ServerTime.Equal(w.now) || out.ReportIntervalSeconds != 1800 {
			t.Errorf("answer %+v", out)
		}
		call := w.call(ours)
		call.Region = "eu-west-1"
		list, err := w.desk.ListHosts(t.Context(), call, &muster.ListHostsInput{})
		if err != nil || len(list.Hosts) != 1 {
			t.Fatalf("%+v, %v", list, err)
		}
		h := list.Hosts[0]
		if h.HostId != string(out.HostID) || h.AccountId != string(ours) || h.Region != "eu-west-1" || *h.Label != "db-7" ||
			h.Status != muster.HostStatusActive || h.LastSeenAt != nil || h.InventoryHash != nil || !strings.HasPrefix(h.KeyFingerprint, "SHA256:") {
			t.Errorf("listed %+v", h)
		}
		if got := w.hosts(ours); len(got) != 0 {
			t.Errorf("listed in another Region: %v", got)
		}
	})
}

func TestCodesAreStoredAsHashesOnly(t *testing.T) {
	each(t, func(w *world) {
		code := w.activate(ours, muster.CreateActivationInput{}).ActivationCode
		err := w.store.View(t.Context(), func(tx *store.Tx) error {
			var found int
			err := store.One(tx.QueryRow(t.Context(), `SELECT COUNT(*) FROM agent_activations WHERE
				code_hash LIKE $1 OR id LIKE $1 OR label LIKE $1 OR created_by LIKE $1`, "%"+code[7:20]+"%"), &found)
			if found != 0 {
				t.Error("the code is in the database")
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestEnrolRefusals(t *testing.T) {
	each(t, func(w *world) {
		code := w.activate(ours, muster.CreateActivationInput{}).ActivationCode
		enrol := func(change func(*agentwire.EnrollRequest), signer string) error {
			in := request(code, "m1", "k1")
			change(in)
			_, err := w.tryEnrol(in, signer)
			return err
		}
		same := func(*agentwire.EnrollRequest) {}
		w.wantRefusal(enrol(func(in *agentwire.EnrollRequest) { in.ActivationCode = "muster-nonsense" }, "k1"), agentwire.CodeActivation)
		w.wantRefusal(enrol(func(in *agentwire.EnrollRequest) { in.ActivationCode = "" }, "k1"), agentwire.CodeBadRequest)
		bad := w.wantRefusal(enrol(func(in *agentwire.EnrollRequest) { in.PublicKey, in.Label = nil, "\x00" }, "k1"), agentwire.CodeBadRequest)
		if !strings.Contains(bad.Message, "publicKey") || !strings.Contains(bad.Message, "label") {
			t.Errorf("not all problems are named: %s", bad.Message)
		}
		w.wantRefusal(enrol(same, "another key"), agentwire.CodeBadSignature)

		in := request(code, "m1", "k1")
		signed := w.signed(agentwire.PathEnroll, "i-00000000000000000", 5, "k1")
		_, err := w.desk.Enrol(t.Context(), signed, in, w.now)
		w.wantRefusal(err, agentwire.CodeBadSignature)

		signed = w.signed(agentwire.PathEnroll, agentwire.NewHost, 0, "k1")
		_, err = w.desk.Enrol(t.Context(), signed, in, w.now.Add(agentwire.MaxSkew+time.Second))
		if r := w.wantRefusal(err, agentwire.CodeClockSkew); r.ServerTime.IsZero() {
			t.Error("clock skew without the server's time")
		}
		if got := w.hosts(ours); len(got) != 0 {
			t.Errorf("refused enrolments left %v", got)
		}
		if err := enrol(same, "k1"); err != nil {
			t.Errorf("refused enrolments used the code up: %v", err)
		}
	})
}

func TestActivationExpiresAndIsUsedOnce(t *testing.T) {
	each(t, func(w *world) {
		code := w.activate(ours, muster.CreateActivationInput{}).ActivationCode
		w.now = w.now.Add(24*time.Hour - time.Second)
		first, err := w.tryEnrol(request(code, "m1", "k1"), "k1")
		if err != nil {
			t.Fatal(err)
		}
		again, err := w.tryEnrol(request(code, "m1", "k1"), "k1")
		if err != nil || again.HostID != first.HostID {
			t.Errorf("the same agent, its answer lost: %v, %v", again, err)
		}
		_, err = w.tryEnrol(request(code, "m2", "k1"), "k1")
		w.wantRefusal(err, agentwire.CodeActivation)
		_, err = w.tryEnrol(request(code, "m1", "k2"), "k2")
		w.wantRefusal(err, agentwire.CodeActivation)

		code = w.activate(ours, muster.CreateActivationInput{}).ActivationCode
		w.now = w.now.Add(24 * time.Hour)
		_, err = w.tryEnrol(request(code, "m3", "k3"), "k3")
		if r := w.wantRefusal(err, agentwire.CodeActivation); !strings.Contains(r.Message, "expired") {
			t.Errorf("message %q", r.Message)
		}
		w.now = w.now.Add(8 * 24 * time.Hour)
		w.activate(ours, muster.CreateActivationInput{}) // clears out
		_, err = w.tryEnrol(request(code, "m3", "k3"), "k3")
		if r := w.wantRefusal(err, agentwire.CodeActivation); !strings.Contains(r.Message, "not known") {
			t.Errorf("message %q", r.Message)
		}
	})
}

func TestSameMachineKeepsItsHostID(t *testing.T) {
	each(t, func(w *world) {
		first := w.enrol(ours, "m1", "k1")
		if _, err := w.tryReport(first, "k1", w.report(first, 10, "1")); err != nil {
			t.Fatal(err)
		}
		if again := w.enrol(ours, "m1", "k2"); again != first {
			t.Errorf("the same machine got %s, then %s", first, again)
		}
		_, err := w.tryReport(first, "k1", w.report(first, 11, "1"))
		w.wantRefusal(err, agentwire.CodeBadSignature)
		if out, err := w.tryReport(first, "k2", w.report(first, 1, "1")); err != nil || !out.Accepted {
			t.Errorf("first report of the new key: %v, %v", out, err)
		}
		nameless := w.enrol(ours, "", "k5")
		if again := w.enrol(ours, "", "k5"); again != nameless {
			t.Errorf("an agent that asked again with its key got %s, then %s", nameless, again)
		}
		seen := map[agentwire.HostID]bool{first: true, nameless: true}
		for _, other := range []agentwire.HostID{w.enrol(ours, "m2", "k3"), w.enrol(theirs, "m1", "k4"), w.enrol(ours, "", "k6"), w.enrol(theirs, "", "k5")} {
			if seen[other] {
				t.Error("two machines share a host id")
			}
			seen[other] = true
		}
		if n := len(w.hosts(ours)); n != 4 {
			t.Errorf("%d hosts, want 4", n)
		}
	})
}

func TestUnknownRegionIsRefused(t *testing.T) {
	each(t, func(w *world) {
		_, err := w.desk.CreateActivation(t.Context(), w.call(ours), &muster.CreateActivationInput{Region: new("mars-north-1")})
		if bad, ok := errors.AsType[*muster.ValidationException](err); !ok || bad.Fields[0].Name != "region" {
			t.Errorf("got %v", err)
		}
	})
}

func TestHostsArePagedAndSeparate(t *testing.T) {
	each(t, func(w *world) {
		want := map[string]bool{}
		for i := range 5 {
			want[string(w.enrol(ours, fmt.Sprint("m", i), "k"))] = true
		}
		w.enrol(theirs, "m", "k")
		in := &muster.ListHostsInput{MaxResults: new(int32(2))}
		pages := 0
		for ; ; pages++ {
			out, err := w.desk.ListHosts(t.Context(), w.call(ours), in)
			if err != nil {
				t.Fatal(err)
			}
			for _, h := range out.Hosts {
				if !want[h.HostId] {
					t.Errorf("listed twice or not ours: %s", h.HostId)
				}
				delete(want, h.HostId)
			}
			if out.NextToken == nil {
				break
			}
			in.NextToken = out.NextToken
		}
		if pages != 2 || len(want) != 0 {
			t.Errorf("%d further pages, missing %v", pages, want)
		}
		if _, err := w.desk.ListHosts(t.Context(), w.call(theirs), in); err == nil {
			t.Error("a foreign page token was accepted")
		}
	})
}

func TestSilentHosts(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(ours, "m", "k")
		for age, want := range map[time.Duration]muster.HostStatus{0: muster.HostStatusActive, 90 * time.Minute: muster.HostStatusActive, 91 * time.Minute: muster.HostStatusSilent} {
			w.now = start.Add(age)
			if got := w.hosts(ours)[0].Status; got != want {
				t.Errorf("after %v: %s, want %s", age, got, want)
			}
		}
	})
}

func TestRevoke(t *testing.T) {
	each(t, func(w *world) {
		host := w.enrol(ours, "m", "k")
		revoke := func(account arn.AccountID) error {
			_, err := w.desk.RevokeHost(t.Context(), w.call(account), &muster.RevokeHostInput{HostId: string(host)})
			return err
		}
		if _, ok := errors.AsType[*muster.ResourceNotFoundException](revoke(theirs)); !ok {
			t.Error("another account's host could be named")
		}
		for range 2 {
			if err := revoke(ours); err != nil {
				t.Fatal(err)
			}
		}
		if fmt.Sprint(w.notes.revoked) != fmt.Sprint([]agentwire.HostID{host}) {
			t.Errorf("told of %v", w.notes.revoked)
		}
		if got := w.hosts(ours)[0].Status; got != muster.HostStatusRevoked {
			t.Errorf("status %s", got)
		}
		_, err := w.tryReport(host, "k", w.report(host, 1, "1"))
		w.wantRefusal(err, agentwire.CodeRevoked)
		_, err = w.tryReport(host, "stolen", w.report(host, 1, "1"))
		w.wantRefusal(err, agentwire.CodeBadSignature)
		if again := w.enrol(ours, "m", "k2"); again != host || w.hosts(ours)[0].Status != muster.HostStatusActive {
			t.Errorf("a new activation gave %s %s", again, w.hosts(ours)[0].Status)
		}
	})
}
