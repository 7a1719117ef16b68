package fetch

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"muster/internal/feed/epss"
	"muster/internal/feed/kev"
)

// examine refuses a file that cannot be what its name says, an error page for
// example, and counts its records where somebody can. Whether every record
// makes sense is found out at the import.
func examine(name, path string, count func(string) (int, error)) (int, error) {
	if err := head(name, path); err != nil {
		return 0, err
	}
	if count == nil {
		return 0, nil
	}
	return count(path)
}

// head looks at the first and last bytes.
func head(name, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() == 0 {
		return errors.New("the file is empty")
	}
	first := make([]byte, min(512, info.Size()))
	last := make([]byte, len(first))
	if _, err := f.ReadAt(first, 0); err != nil {
		return err
	}
	if _, err := f.ReadAt(last, info.Size()-int64(len(last))); err != nil {
		return err
	}
	return shape(name, first, last)
}

// shape knows the forms that feeds come in by the ends of their names.
func shape(name string, first, last []byte) error {
	first, last = bytes.TrimLeft(first, "\ufeff \t\r\n"), bytes.TrimRight(last, " \t\r\n")
	starts := func(magic string) bool { return bytes.HasPrefix(first, []byte(magic)) }
	if l := bytes.ToLower(first); bytes.HasPrefix(l, []byte("<!doctype")) || bytes.HasPrefix(l, []byte("<html")) {
		return errors.New("it is an HTML page")
	}
	ok := true
	switch {
	case strings.HasSuffix(name, ".zip"):
		ok = starts("PK")
	case strings.HasSuffix(name, ".gz"):
		ok = starts("\x1f\x8b")
	case strings.HasSuffix(name, ".bz2"):
		ok = starts("BZh")
	case strings.HasSuffix(name, ".xz"):
		ok = starts("\xfd7zXZ\x00")
	case strings.HasSuffix(name, ".zst"):
		ok = starts("\x28\xb5\x2f\xfd")
	case strings.HasSuffix(name, ".json"):
		ok = starts("{") && bytes.HasSuffix(last, []byte("}")) || starts("[") && bytes.HasSuffix(last, []byte("]"))
	}
	if !ok {
		return fmt.Errorf("it begins with %.20q and ends with %.20q, which no %s does", first, tail(last, 20), name[strings.LastIndex(name, ".")+1:])
	}
	return nil
}

func tail(b []byte, n int) []byte { return b[max(0, len(b)-n):] }

// countZIP counts the documents of an archive.
func countZIP(path string) (int, error) {
	z, err := zip.OpenReader(path)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, f := range z.File {
		if strings.HasSuffix(f.Name, ".json") {
			n++
		}
	}
	if n == 0 {
		return 0, errors.Join(errors.New("it holds no documents"), z.Close())
	}
	return n, z.Close()
}

// reading opens a file for a parser that counts.
func reading(parse func(io.Reader) (int, error)) func(string) (int, error) {
	return func(path string) (int, error) {
		f, err := os.Open(path)
		if err != nil {
			return 0, err
		}
		n, err := parse(f)
		return n, errors.Join(err, f.Close())
	}
}

func countKEV(r io.Reader) (int, error) {
	c, err := kev.Parse(r)
	return len(c.Entries), err
}

func countEPSS(r io.Reader) (n int, err error) {
	_, err = epss.Parse(r, func(epss.Row) error {
		n++
		return nil
	})
	return n, err
}

// countLines counts the lines of a text, the head not included.
func countLines(r io.Reader) (int, error) {
	n, buf := -1, make([]byte, 64<<10)
	for {
		k, err := r.Read(buf)
		n += bytes.Count(buf[:k], []byte("\n"))
		if err == io.EOF {
			return max(n, 0), nil
		}
		if err != nil {
			return 0, err
		}
	}
}
