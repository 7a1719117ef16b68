package reach

import (
	"archive/zip"
	"bytes"
	"cmp"
	"compress/flate"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"muster/internal/arn"
	"muster/internal/network/facts"
	"muster/internal/store/topology"
)

// Bounds of what an account may tell of a Region, in bytes.
const (
	mostWaiting  = 128 << 20
	mostUnpacked = 768 << 20
	mostFiles    = 5000
)

// recordName is the file that says when a folder of facts was read.
const recordName = "Collected.json"

// told is what an upload says.
type told struct {
	digest string
	// body is the files, packed the same whenever they say the same.
	body []byte
	part facts.Part
}

// file is one describe answer, or many in one.
type file struct {
	name string
	data []byte
}

// unpack joins the parts of files, which come by name and number, and
// decompresses them.
func unpack(parts []topology.Part) ([]file, error) {
	var files []file
	left := int64(mostUnpacked)
	for len(parts) > 0 {
		n := 1
		for n < len(parts) && parts[n].Name == parts[0].Name {
			n++
		}
		body := parts[0].Body
		if n > 1 { // at once: there may be very many small ones
			bodies := make([][]byte, n)
			for i := range bodies {
				bodies[i] = parts[i].Body
			}
			body = bytes.Join(bodies, nil)
		}
		data, err := inflate(body, left)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", parts[0].Name, err)
		}
		left -= int64(len(data))
		files = append(files, file{bareName(parts[0].Name), data})
		parts = parts[n:]
	}
	if len(files) > mostFiles {
		return nil, fmt.Errorf("more than %d files", mostFiles)
	}
	return files, nil
}

// inflate decompresses what is compressed by gzip.
func inflate(body []byte, limit int64) ([]byte, error) {
	var in io.Reader = bytes.NewReader(body)
	if bytes.HasPrefix(body, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, err
		}
		in = z
	}
	data, err := io.ReadAll(io.LimitReader(in, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("the files are larger than %d MiB", mostUnpacked>>20)
	}
	return data, err
}

// bareName is a file's name without folders that would say whose the facts are:
// that is the upload's word.
func bareName(name string) string {
	var kept []string
	for part := range strings.SplitSeq(strings.ReplaceAll(name, `\`, "/"), "/") {
		if place := facts.PlaceOf(part); part != "" && part != "." && part != ".." && place == (facts.Scope{}) {
			kept = append(kept, part)
		}
	}
	return cmp.Or(strings.Join(kept, "/"), "facts.json")
}

// tell reads files as an account's facts of a Region.
func tell(files []file, scope facts.Scope) (*told, error) {
	slices.SortStableFunc(files, func(a, b file) int { return cmp.Compare(a.name, b.name) })
	part, err := read(files, scope)
	if err != nil {
		return nil, err
	}
	sum, packed := sha256.New(), bytes.Buffer{}
	z := zip.NewWriter(&packed)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })
	for _, f := range files {
		if path.Base(f.name) == recordName {
			continue // When facts were read does not make them others.
		}
		inner := sha256.Sum256(f.data)
		fmt.Fprintf(sum, "%d %s %x\n", len(f.name), f.name, inner)
		w, err := z.Create(f.name)
		if err == nil {
			_, err = w.Write(f.data)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return &told{digest: hex.EncodeToString(sum.Sum(nil)), body: packed.Bytes(), part: part}, nil
}

func read(files []file, scope facts.Scope) (facts.Part, error) {
	var r facts.Reader
	for _, f := range files {
		if err := r.Add(string(scope.Account)+"/"+string(scope.Region)+"/"+f.name, bytes.NewReader(f.data)); err != nil {
			return facts.Part{}, trimPlace(err, scope)
		}
	}
	return partOf(&r, scope)
}

func partOf(r *facts.Reader, scope facts.Scope) (facts.Part, error) {
	f, err := r.Facts()
	if err != nil && !errors.Is(err, facts.ErrNone) { // There are accounts without networks.
		return facts.Part{}, err
	}
	return facts.Part{Scope: scope, As: otherName(f, scope.Account), Facts: f}, nil
}

// trimPlace names a file as its sender does.
func trimPlace(err error, scope facts.Scope) error {
	return errors.New(strings.TrimPrefix(err.Error(), string(scope.Account)+"/"+string(scope.Region)+"/"))
}

// otherName is how facts call the account that tells them, if otherwise than by
// its id: the only owner of instances that they name. Accounts are never told
// of others' instances, so there is no other way that it could come about but
// facts of an account that is known under another id here.
func otherName(f *facts.Facts, account arn.AccountID) arn.AccountID {
	var owner arn.AccountID
	for i := range f.Instances {
		a := f.Instances[i].Account
		if a == account || a == "" || owner != "" && a != owner {
			return ""
		}
		owner = a
	}
	return owner
}

// unpackStored reads facts as they are stored.
func unpackStored(body []byte, scope facts.Scope) (facts.Part, error) {
	z, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		return facts.Part{}, err
	}
	var r facts.Reader
	for _, f := range z.File {
		if err := addStored(&r, f, scope); err != nil {
			return facts.Part{}, err
		}
	}
	return partOf(&r, scope)
}

// filesOf are the files of stored facts by their names.
func filesOf(body []byte) (map[string]file, error) {
	z, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		return nil, err
	}
	all, left := map[string]file{}, int64(mostUnpacked)
	for _, f := range z.File {
		in, err := f.Open()
		if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(io.LimitReader(in, left+1))
		if err = errors.Join(err, in.Close()); err != nil {
			return nil, err
		}
		if left -= int64(len(data)); left < 0 {
			return nil, fmt.Errorf("stored facts are larger than %d MiB", mostUnpacked>>20)
		}
		all[f.Name] = file{f.Name, data}
	}
	return all, nil
}

func addStored(r *facts.Reader, f *zip.File, scope facts.Scope) (err error) {
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	return r.Add(string(scope.Account)+"/"+string(scope.Region)+"/"+f.Name, in)
}

// elsewhere names the Region that all zones are of when it is not the one that
// facts are told for.
func elsewhere(p *facts.Part) (arn.Region, bool) {
	var other arn.Region
	for i := range p.Subnets {
		zone := p.Subnets[i].Zone
		if strings.HasPrefix(zone, string(p.Region)) {
			return "", false
		}
		if r := facts.PlaceOf(strings.TrimRight(zone, "abcdefghijklmnopqrstuvwxyz")).Region; r != "" {
			other = r
		}
	}
	return other, other != ""
}
