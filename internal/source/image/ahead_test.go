package image

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

// closing counts its closes and fails reads after the first.
type closing struct {
	io.Reader
	closed int
}

func (c *closing) Close() error { c.closed++; return nil }

// TestReadAheadChangesNothing: whatever the sizes of reads on either side are,
// the bytes and the error at their end are those of the source.
func TestReadAheadChangesNothing(t *testing.T) {
	broken := errors.New("broken")
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		data := make([]byte, rapid.IntRange(0, 3*chunksAhead*chunkSize/2).Draw(rt, "size"))
		random := rand.New(rand.NewPCG(seed, 0))
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		var in io.Reader = bytes.NewReader(data)
		want := error(nil)
		switch rapid.IntRange(0, 3).Draw(rt, "source") {
		case 1:
			in = iotest.HalfReader(in)
		case 2:
			in = iotest.DataErrReader(in)
		case 3:
			in, want = io.MultiReader(in, iotest.ErrReader(broken)), broken
		}
		c := &closing{Reader: in}
		r := readAhead(c)
		step := rapid.IntRange(1, 2*chunkSize).Draw(rt, "step")
		var got bytes.Buffer
		_, err := io.CopyBuffer(&got, struct{ io.Reader }{r}, make([]byte, max(step, 512)))
		if !errors.Is(err, want) || !bytes.Equal(got.Bytes(), data) {
			rt.Fatalf("%d of %d bytes, %v, want %v", got.Len(), len(data), err, want)
		}
		if err := r.Close(); err != nil || c.closed != 1 {
			rt.Fatalf("closed %d times, %v", c.closed, err)
		}
	})
}

// TestReadAheadStops: a reader that has seen enough need not read to the end.
func TestReadAheadStops(t *testing.T) {
	c := &closing{Reader: endless{}}
	r := readAhead(c)
	if _, err := io.ReadFull(r, make([]byte, chunkSize+1)); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil || c.closed != 1 {
		t.Fatalf("closed %d times, %v", c.closed, err)
	}
	if _, err := io.Copy(io.Discard, r); !errors.Is(err, fs.ErrClosed) {
		t.Fatalf("reading on: %v", err)
	}
}

// endless gives zeros for ever.
type endless struct{}

func (endless) Read(p []byte) (int, error) { clear(p); return len(p), nil }
