package bucket_test

import (
	"bytes"
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"muster/internal/bucket"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

func TestObjects(t *testing.T) {
	backend := s3mem.New()
	server := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(server.Close)
	if err := backend.CreateBucket("reports"); err != nil {
		t.Fatal(err)
	}
	c := bucket.New(bucket.Config{Endpoint: server.URL, Region: "eu-central-1", AccessKey: "a", SecretKey: "b", KMS: true})
	ctx := t.Context()
	if err := c.Check(ctx, "reports"); err != nil {
		t.Error(err)
	}
	if err := c.Check(ctx, "absent"); !errors.Is(err, bucket.ErrNoBucket) {
		t.Errorf("an absent bucket: %v", err)
	}
	// A small object goes in one request, a large one in parts.
	for name, size := range map[string]int64{"small": 5, "large": 64<<20 + 7, "empty": 0} {
		f, err := os.Create(filepath.Join(t.TempDir(), name))
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Truncate(size); err != nil {
			t.Fatal(err)
		}
		if size > 5 {
			if _, err := f.WriteAt([]byte("end"), size-3); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.Put(ctx, "reports", "a/b/"+name, f, "text/csv", "arn:aws:kms:eu-central-1:111122223333:key/1"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		_ = f.Close()
	}
	got, err := c.ReadAt(ctx, "reports", "a/b/large", 64<<20, 100)
	if err != nil || !bytes.Equal(got, []byte("\x00\x00\x00\x00end")) {
		t.Errorf("the end of the large object is %q: %v", got, err)
	}
	if _, err := c.ReadAt(ctx, "reports", "absent", 0, 1); err == nil {
		t.Error("read an absent object")
	}
}
