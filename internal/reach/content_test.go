package reach

import (
	"bytes"
	"compress/gzip"
	"strings"
	"testing"

	"muster/internal/network/facts"
	"muster/internal/store/topology"
)

const answers = `{"Vpcs": [{"VpcId": "vpc-1", "OwnerId": "444455556666", "CidrBlock": "10.0.0.0/16"}],
 "Reservations": [{"OwnerId": "444455556666", "Instances": [{"InstanceId": "i-1", "State": {"Name": "running"}}]}]}`

func zipped(t *testing.T, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, err := z.Write([]byte(text))
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestUploadsSayTheSame: however a file is cut, compressed and named by folders
// of accounts, the same answers have the same digest; other answers another.
func TestUploadsSayTheSame(t *testing.T) {
	at := facts.Scope{Account: "111122223333", Region: "eu-west-1"}
	packed := zipped(t, answers)
	digest := func(parts ...topology.Part) string {
		t.Helper()
		files, err := unpack(inOrder(parts))
		if err != nil {
			t.Fatal(err)
		}
		told, err := tell(files, at)
		if err != nil {
			t.Fatal(err)
		}
		again, err := unpackStored(told.body, at)
		if err != nil || len(again.Instances) != 1 || again.As != "444455556666" {
			t.Errorf("read back: %v, %+v known as %q", err, again.Instances, again.As)
		}
		return told.digest
	}
	want := digest(topology.Part{Name: "all.json", Body: []byte(answers)})
	for name, got := range map[string]string{
		"compressed": digest(topology.Part{Name: "all.json", Body: packed}),
		"in parts, out of order, one twice": digest(topology.Part{Name: "all.json", Number: 1, Body: packed[20:]},
			topology.Part{Name: "all.json", Body: []byte("not this")}, topology.Part{Name: "all.json", Body: packed[:20]}),
		"in folders": digest(topology.Part{Name: "./444455556666/us-east-2/../all.json", Body: packed}),
	} {
		if got != want {
			t.Errorf("%s: digest %s, want %s", name, got, want)
		}
	}
	if digest(topology.Part{Name: "all.json", Body: []byte(strings.Replace(answers, "10.0", "10.1", 1))}) == want {
		t.Error("other facts have the same digest")
	}
}

// TestBombs: what unpacks to more than the bound is refused.
func TestBombs(t *testing.T) {
	if _, err := inflate(zipped(t, strings.Repeat(" ", 1<<20)), 1<<19); err == nil {
		t.Error("a megabyte passed a bound of half of one")
	}
	if _, err := inflate([]byte{0x1f, 0x8b, 8}, 10); err == nil {
		t.Error("a cut-off file was read")
	}
}

// TestAccountsKnownOtherwise: facts whose instances all are one other account's
// are the teller's; any of its own, or a third account's, and they are not.
func TestAccountsKnownOtherwise(t *testing.T) {
	of := func(owners ...string) *facts.Facts {
		var f facts.Facts
		for _, o := range owners {
			var i facts.Instance
			i.Account = facts.PlaceOf(o).Account
			f.Instances = append(f.Instances, i)
		}
		return &f
	}
	const own, other, third = "111122223333", "444455556666", "777788889999"
	for _, c := range []struct {
		facts *facts.Facts
		want  string
	}{{of(), ""}, {of(other, other), other}, {of(own, other), ""}, {of(other, own), ""}, {of(other, third), ""}, {of(own), ""}} {
		if got := otherName(c.facts, own); string(got) != c.want {
			t.Errorf("%+v: %q, want %q", c.facts.Instances, got, c.want)
		}
	}
}

// TestVerySmallParts: a file in very many parts is joined once.
func TestVerySmallParts(t *testing.T) {
	t.Parallel()
	const count = 100_000
	parts := make([]topology.Part, count)
	for n := range parts {
		parts[n] = topology.Part{Name: "a.json", Number: int32(n), Body: bytes.Repeat([]byte{' '}, 1000)}
	}
	files, err := unpack(parts)
	if err != nil || len(files) != 1 || len(files[0].data) != count*1000 {
		t.Errorf("%d files, %v", len(files), err)
	}
}

// FuzzUnpack: whatever is uploaded, in whatever parts, becomes facts or an
// error, and says the same when it is read again.
func FuzzUnpack(f *testing.F) {
	f.Add("a/b.json", []byte(answers), 10)
	f.Add("444455556666/eu-west-1/vpcs.json.gz", []byte{0x1f, 0x8b}, 1)
	f.Fuzz(func(t *testing.T, name string, data []byte, cut int) {
		cut = max(0, min(cut, len(data)))
		files, err := unpack([]topology.Part{{Name: name, Body: data[:cut]}, {Name: name, Number: 1, Body: data[cut:]}})
		if err != nil {
			return
		}
		scope := facts.Scope{Account: "444455556666", Region: "eu-west-1"}
		said, err := tell(files, scope)
		if err != nil {
			return
		}
		if _, err := unpackStored(said.body, scope); err != nil {
			t.Errorf("what was taken cannot be read again: %v", err)
		}
	})
}
