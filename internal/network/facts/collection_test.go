package facts

import (
	"strings"
	"testing"
)

// TestCollectionsAreNoted: a folder says when it was read and what was not
// answered, in the words that answers repeat.
func TestCollectionsAreNoted(t *testing.T) {
	var r Reader
	for name, text := range map[string]string{
		"111122223333/eu-west-1/Vpcs.json":      `{"Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16"}]}`,
		"111122223333/eu-west-1/Collected.json": `{"CollectedAt": "2026-11-01T12:00:00Z", "NotAnswered": ["ec2:DescribeVpnGateways: UnauthorizedOperation"]}`,
	} {
		if err := r.Add(name, strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
	}
	f, err := r.Facts()
	if err != nil || len(f.Collections) != 1 {
		t.Fatalf("%+v %v", f.Collections, err)
	}
	const want = "the facts of 111122223333 in eu-west-1 are of 2026-11-01T12:00:00Z and not complete; not answered: ec2:DescribeVpnGateways: UnauthorizedOperation"
	if got := f.Collections[0].Text(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if err := new(Reader).Add("Collected.json", strings.NewReader(`{"CollectedAt": "yesterday"}`)); err == nil {
		t.Error("a time that is none is taken")
	}
}
