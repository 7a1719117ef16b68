package facts

import (
	"net/netip"
	"testing"
)

const ours, theirs = "111122223333", "444455556666"

func part(account, owner string, instance ID) Part {
	at, of := Scope{Account: ours, Region: "eu-west-1"}, Scope{Region: "eu-west-1"}
	at.Account = "111122223333"
	if account == theirs {
		at.Account = "444455556666"
	}
	of.Account = at.Account
	if owner == theirs {
		of.Account = "444455556666"
	}
	return Part{Scope: at, Facts: &Facts{
		VPCs:      []VPC{{ID: "vpc-1", Scope: of, Name: account, CIDRs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16")}}},
		Instances: []Instance{{ID: instance, Scope: of}},
	}}
}

// TestMergeBelievesOwners: of a shared network the owner's word counts,
// whichever part comes first, the participant's where the owner says nothing;
// nobody tells of others' instances.
func TestMergeBelievesOwners(t *testing.T) {
	shared, owner := part(ours, theirs, "i-1"), part(theirs, theirs, "i-2")
	for _, parts := range [][]Part{{shared, owner}, {owner, shared}} {
		f := Merge(parts)
		if len(f.VPCs) != 1 || f.VPCs[0].Name != theirs {
			t.Errorf("VPCs are %+v, want the owner's", f.VPCs)
		}
		if len(f.Instances) != 1 || f.Instances[0].ID != "i-2" {
			t.Errorf("instances are %+v, want the owner's", f.Instances)
		}
	}
	if f := Merge([]Part{shared}); len(f.VPCs) != 1 || f.VPCs[0].Name != ours || len(f.Instances) != 0 {
		t.Errorf("alone: %+v %+v", f.VPCs, f.Instances)
	}
	first, second := part(ours, ours, "i-1"), part(theirs, theirs, "i-2")
	if f := Merge([]Part{first, second}); f.VPCs[0].Name != ours || len(f.Instances) != 2 {
		t.Errorf("claimed twice: %+v, want what came first", f.VPCs)
	}
}

// TestMergeKnowsAccountsByOtherNames: facts that call their account otherwise
// are the account's all the same, and get its id.
func TestMergeKnowsAccountsByOtherNames(t *testing.T) {
	p := part(ours, theirs, "i-1")
	p.As = "444455556666"
	f := Merge([]Part{p})
	if len(f.Instances) != 1 || f.Instances[0].Account != p.Account || f.VPCs[0].Account != p.Account {
		t.Errorf("%+v %+v", f.Instances, f.VPCs)
	}
	if p.Instances[0].Account != "444455556666" {
		t.Error("the part was changed")
	}
}
