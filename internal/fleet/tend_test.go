package fleet_test

import (
	"maps"
	"net/netip"
	"strings"
	"testing"
	"time"

	"muster/internal/agentwire"
	"muster/internal/arn"
	"muster/internal/awsmodel/muster"
	"muster/internal/fleet"
)

func TestCodeForSeveralHosts(t *testing.T) {
	each(t, func(w *world) {
		code := w.activate(ours, muster.CreateActivationInput{HostLimit: new(int32(2)), Tags: map[string]string{"team": "web"}})
		for _, name := range []string{"a", "b", "a"} { // the last one lost its answer
			if _, err := w.tryEnrol(request(code.ActivationCode, name, name), name); err != nil {
				t.Fatal(name, err)
			}
		}
		_, err := w.tryEnrol(request(code.ActivationCode, "c", "c"), "c")
		if r := w.wantRefusal(err, agentwire.CodeActivation); !strings.Contains(r.Message, "2 hosts") {
			t.Error(r.Message)
		}
		hosts := w.hosts(ours)
		if len(hosts) != 2 || !maps.Equal(hosts[0].Tags, map[string]string{"team": "web"}) {
			t.Errorf("hosts %+v", hosts)
		}
		list, err := w.desk.ListActivations(t.Context(), w.call(ours), &muster.ListActivationsInput{})
		if err != nil || len(list.Activations) != 1 {
			t.Fatal(list, err)
		}
		if a := list.Activations[0]; a.Hosts != 2 || a.HostLimit != 2 || a.Status != muster.ActivationStatusUsed || a.Tags["team"] != "web" || a.ActivationId != code.ActivationId {
			t.Errorf("activation %+v", a)
		}
	})
}

func TestDeletedCode(t *testing.T) {
	each(t, func(w *world) {
		code := w.activate(ours, muster.CreateActivationInput{})
		if _, err := w.desk.DeleteActivation(t.Context(), w.call(theirs), &muster.DeleteActivationInput{ActivationId: code.ActivationId}); err == nil {
			t.Error("others can delete a code")
		}
		for i := range 2 {
			_, err := w.desk.DeleteActivation(t.Context(), w.call(ours), &muster.DeleteActivationInput{ActivationId: code.ActivationId})
			if (err != nil) != (i == 1) {
				t.Errorf("deletion %d: %v", i, err)
			}
		}
		_, err := w.tryEnrol(request(code.ActivationCode, "m", "k"), "k")
		if r := w.wantRefusal(err, agentwire.CodeActivation); !strings.Contains(r.Message, "deleted") {
			t.Error(r.Message)
		}
		if list, err := w.desk.ListActivations(t.Context(), w.call(ours), &muster.ListActivationsInput{}); err != nil || len(list.Activations) != 0 {
			t.Error(list, err)
		}
	})
}

func TestCodeForCertainInstance(t *testing.T) {
	each(t, func(w *world) {
		const id = "i-0123456789abcdef0"
		if _, err := w.desk.CreateActivation(t.Context(), w.call(ours), &muster.CreateActivationInput{InstanceId: new(id), HostLimit: new(int32(2))}); err == nil {
			t.Error("one instance for two hosts")
		}
		code := w.activate(ours, muster.CreateActivationInput{InstanceId: new(id)}).ActivationCode
		if out, err := w.tryEnrol(request(code, "m", "k"), "k"); err != nil || out.HostID != id {
			t.Fatal(out, err)
		}
		// Neither another machine of the account nor another account takes it.
		for _, account := range []string{string(ours), string(theirs)} {
			code := w.activate(arn.AccountID(account), muster.CreateActivationInput{InstanceId: new(id)}).ActivationCode
			_, err := w.tryEnrol(request(code, "other", "other"), "other")
			w.wantRefusal(err, agentwire.CodeActivation)
		}
		// Nor does the machine become a second host.
		code = w.activate(ours, muster.CreateActivationInput{InstanceId: new("i-0123456789abcdef1")}).ActivationCode
		_, err := w.tryEnrol(request(code, "m", "new"), "new")
		w.wantRefusal(err, agentwire.CodeActivation)
	})
}

func TestNewKey(t *testing.T) {
	each(t, func(w *world) {
		host := w.enrol(ours, "m", "old")
		other := w.enrol(theirs, "n", "other")
		if _, err := w.tryReport(host, "old", w.report(host, 1, "1")); err != nil {
			t.Fatal(err)
		}
		if _, err := w.desk.RotateHostKey(t.Context(), w.call(theirs), &muster.RotateHostKeyInput{HostId: string(host)}); err == nil {
			t.Error("others can demand a key")
		}
		if _, err := w.desk.RotateHostKey(t.Context(), w.call(ours), &muster.RotateHostKeyInput{HostId: string(host)}); err != nil {
			t.Fatal(err)
		}
		out, err := w.tryReport(host, "old", w.heartbeat(host, 2, "1"))
		if err != nil || !out.RotateKey {
			t.Fatalf("demand: %+v, %v", out, err)
		}
		replace := func(as agentwire.HostID, signedBy string, seq int64, in agentwire.KeyRequest) error {
			s := w.signed(agentwire.PathKey, as, seq, signedBy)
			found, err := w.desk.Find(t.Context(), s.Signature)
			if err == nil {
				err = w.desk.Authenticate(found, s, w.now)
			}
			if err == nil {
				_, err = w.desk.ReplaceKey(t.Context(), found, s.Signature, &in, w.now)
			}
			return err
		}
		w.wantRefusal(replace(host, "other", 3, agentwire.NewKeyRequest(host, 3, key("other"))), agentwire.CodeBadSignature)
		w.wantRefusal(replace(other, "other", 3, agentwire.NewKeyRequest(host, 3, key("new"))), agentwire.CodeBadRequest)
		w.wantRefusal(replace(host, "old", 3, agentwire.NewKeyRequest(host, 3, key("old"))), agentwire.CodeBadRequest)
		w.wantRefusal(replace(host, "old", 2, agentwire.NewKeyRequest(host, 2, key("new"))), agentwire.CodeSequence)
		if err := replace(host, "old", 3, agentwire.NewKeyRequest(host, 3, key("new"))); err != nil {
			t.Fatal(err)
		}
		_, err = w.tryReport(host, "old", w.heartbeat(host, 4, "1"))
		w.wantRefusal(err, agentwire.CodeBadSignature)
		_, err = w.tryReport(host, "new", w.heartbeat(host, 3, "1"))
		w.wantRefusal(err, agentwire.CodeSequence)
		if out, err = w.tryReport(host, "new", w.heartbeat(host, 4, "1")); err != nil || out.RotateKey || !out.Accepted {
			t.Fatalf("after the change: %+v, %v", out, err)
		}
		if h := w.hosts(ours)[0]; *h.RotationDemanded || !h.KeyCreatedAt.Equal(w.now) {
			t.Errorf("listed %+v", h)
		}
		w.now = w.now.Add(91 * 24 * time.Hour)
		if out, err = w.tryReport(host, "new", w.heartbeat(host, 5, "1")); err != nil || !out.RotateKey {
			t.Fatalf("old key: %+v, %v", out, err)
		}
	})
}

func TestDifferences(t *testing.T) {
	each(t, func(w *world) {
		host, other := w.enrol(ours, "m", "k"), w.enrol(theirs, "n", "other")
		base, baseHash := content("1")
		if _, err := w.tryReport(host, "k", w.report(host, 1, "1")); err != nil {
			t.Fatal(err)
		}
		after, afterHash := content("2")
		delta := func(id agentwire.HostID, seq int64) *agentwire.Report {
			return &agentwire.Report{HostID: id, Sequence: seq, CollectedAt: w.now, InventoryHash: afterHash, Delta: agentwire.NewDelta(base, after, baseHash)}
		}
		// Another host, which never had the base, gets nothing from it.
		out, err := w.tryReport(other, "other", delta(other, 1))
		if err != nil || out.Accepted || !out.NeedInventory || out.BaseHash != "" {
			t.Fatalf("foreign base: %+v, %v", out, err)
		}
		out, err = w.tryReport(host, "k", w.heartbeat(host, 2, "2"))
		if err != nil || !out.NeedInventory || out.BaseHash != baseHash {
			t.Fatalf("unknown content: %+v, %v", out, err)
		}
		wrong := delta(host, 3)
		wrong.Delta.Removed = []int{7}
		if out, err = w.tryReport(host, "k", wrong); err != nil || out.Accepted || out.BaseHash != "" {
			t.Fatalf("a difference that does not fit: %+v, %v", out, err)
		}
		if out, err = w.tryReport(host, "k", delta(host, 3)); err != nil || !out.Accepted {
			t.Fatalf("difference: %+v, %v", out, err)
		}
		if got := w.notes.reports[len(w.notes.reports)-1]; got.Hash != afterHash || got.Inventory == nil || got.Inventory.Hash() != afterHash {
			t.Errorf("handed on %+v", got)
		}
	})
}

func TestEvidenceOfHosts(t *testing.T) {
	each(t, func(w *world) {
		host := w.enrol(ours, "m", "k")
		said := &agentwire.Evidence{Kernel: "6.1", Sockets: []agentwire.Socket{{Protocol: agentwire.TCP, Address: netip.IPv4Unspecified(), Port: 22, Package: "openssh-server"}}}
		r := w.report(host, 1, "1")
		r.EvidenceHash = said.Hash()
		if out, err := w.tryReport(host, "k", r); err != nil || !out.NeedEvidence || !out.Accepted {
			t.Fatalf("named only: %+v, %v", out, err)
		}
		r.Sequence, r.Evidence = 2, said
		if out, err := w.tryReport(host, "k", r); err != nil || out.NeedEvidence {
			t.Fatalf("sent: %+v, %v", out, err)
		}
		r.Sequence, r.Evidence = 3, nil
		if out, err := w.tryReport(host, "k", r); err != nil || out.NeedEvidence {
			t.Fatalf("known: %+v, %v", out, err)
		}
		out, err := w.desk.GetHost(t.Context(), w.call(ours), &muster.GetHostInput{HostId: string(host)})
		if err != nil || out.Evidence == nil || *out.Evidence.Kernel != "6.1" || len(out.Evidence.Sockets) != 1 || *out.Evidence.Sockets[0].PackageName != "openssh-server" {
			t.Fatalf("host %+v, %v", out, err)
		}
		if _, err := w.desk.GetHost(t.Context(), w.call(theirs), &muster.GetHostInput{HostId: string(host)}); err == nil {
			t.Error("others see a host")
		}
	})
}

func TestTagsAndStates(t *testing.T) {
	each(t, func(w *world) {
		host := w.enrol(ours, "m", "k")
		in := &muster.TagHostInput{HostId: string(host), Tags: map[string]string{"InspectorEc2Exclusion": "", "b": "2"}}
		if _, err := w.desk.TagHost(t.Context(), w.call(theirs), in); err == nil {
			t.Error("others can tag a host")
		}
		if _, err := w.desk.TagHost(t.Context(), w.call(ours), in); err != nil {
			t.Fatal(err)
		}
		if _, err := w.desk.UntagHost(t.Context(), w.call(ours), &muster.UntagHostInput{HostId: string(host), TagKeys: []string{"b", "none"}}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.desk.SetHostState(t.Context(), w.call(ours), &muster.SetHostStateInput{HostId: string(host), State: muster.HostStateStopped}); err != nil {
			t.Fatal(err)
		}
		w.now = w.now.Add(24 * time.Hour)
		h := w.hosts(ours)[0]
		if h.State != muster.HostStateStopped || h.Status != muster.HostStatusActive || !maps.Equal(h.Tags, map[string]string{"InspectorEc2Exclusion": ""}) {
			t.Errorf("listed %+v", h)
		}
		if _, err := w.tryReport(host, "k", w.report(host, 1, "1")); err != nil {
			t.Fatal(err)
		}
		if h := w.hosts(ours)[0]; h.State != muster.HostStateRunning {
			t.Errorf("a host that reports is %s", h.State)
		}
		last := w.heartbeat(host, 2, "1")
		last.Stopping = true
		if _, err := w.tryReport(host, "k", last); err != nil {
			t.Fatal(err)
		}
		if h := w.hosts(ours)[0]; h.State != muster.HostStateStopped || !w.notes.reports[1].Stopping {
			t.Errorf("a host that goes down is %s", h.State)
		}
	})
}

func TestOldAgents(t *testing.T) {
	each(t, func(w *world) {
		desk := fleet.New(w.store, fleet.Options{Inventories: w.notes, OldestAgent: "v1.2.0"})
		host := w.enrol(ours, "m", "k")
		for version, refused := range map[string]bool{"v1.1.9": true, "v1.2.0-rc1": true, "v1.2.0": false, "v2.0.0": false, "dev": false, "(devel)": false} {
			r := w.report(host, 1, "1")
			r.AgentVersion, r.Inventory, r.InventoryHash = version, nil, strings.Repeat("0", 64)
			found, err := w.desk.Find(t.Context(), w.signed(agentwire.PathReport, host, 1, "k").Signature)
			if err != nil {
				t.Fatal(err)
			}
			_, err = desk.AcceptReport(t.Context(), found, r, w.now)
			if !refused && err != nil {
				t.Errorf("%s: %v", version, err)
			}
			if refused {
				if r := w.wantRefusal(err, agentwire.CodeAgentTooOld); !strings.Contains(r.Message, version) || !strings.Contains(r.Message, "v1.2.0") {
					t.Error(r.Message)
				}
			}
		}
	})
}
