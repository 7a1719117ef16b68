package fetch

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"muster/internal/feed"
	"muster/internal/feed/fetch/web"
)

// Marks of a CSAF directory.
const (
	csafArchive = "archive"
	csafWhole   = "whole"
	csafChanges = "changes"
	csafDeleted = "deletions"
)

var (
	csafName     = regexp.MustCompile(`^csaf_(?:vex|advisories)_([0-9]{4}-[0-9]{2}-[0-9]{2})\.tar\.zst$`)
	csafDocument = regexp.MustCompile(`^[0-9]{4}/[a-z0-9_-]{1,60}\.json$`)
	hexSHA256    = regexp.MustCompile(`^[0-9A-Fa-f]{64}$`)
)

// fetchCSAF follows a directory in Red Hat's layout: a weekly archive, a list
// of changes and a list of deletions (feeds specification 5).
func fetchCSAF(file string) func(context.Context, *session) error {
	return func(ctx context.Context, s *session) error {
		b, err := s.client.Text(ctx, s.at("archive_latest.txt"), maxText)
		if err != nil {
			return err
		}
		latest := strings.TrimSpace(string(b))
		date := csafName.FindStringSubmatch(latest)
		if date == nil {
			return fmt.Errorf("%s: %.80q is no name of an archive", s.at("archive_latest.txt"), latest)
		}
		if s.known(file).Size == 0 || latest != s.mark(csafArchive) && s.age(csafWhole) >= reconcile {
			if err := s.csafWhole(ctx, file, latest, date[1]); err != nil {
				return err
			}
		}
		err = s.csafChanges(ctx, file)
		if errors.Is(err, errTooMany) {
			s.setMark(csafArchive, "")
			s.setMark(csafWhole, "")
		}
		return err
	}
}

// csafWhole fetches the archive. The marks go back to its date first: after a
// crash changes are applied again, never left out.
func (s *session) csafWhole(ctx context.Context, file, latest, date string) error {
	address := s.at(latest)
	sum, err := s.checksum(ctx, address)
	if err != nil {
		return err
	}
	got, err := s.download(ctx, address, file, expectation{limit: maxArchive, sha256: sum}, web.Note{})
	if err != nil {
		return err
	}
	made := s.part(file) + ".zip"
	repacked, err := s.unpackZstd(s.part(file), made)
	if err != nil {
		return errors.Join(s.refuse(file, s.part(file), err.Error()), os.RemoveAll(made))
	}
	at, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return err
	}
	at = at.AddDate(0, 0, -1)
	s.setMark(csafChanges, writeMark(at, nil))
	s.setMark(csafDeleted, writeMark(at, nil))
	if err := errors.Join(s.save(), os.Remove(s.part(file))); err != nil {
		return err
	}
	if _, err := s.placeArchive(file, made, repacked, got.Note); err != nil {
		return err
	}
	s.setMark(csafArchive, latest)
	s.setMark(csafWhole, s.stamp())
	return s.save()
}

// checksum reads the SHA-256 that lies beside a file; "" where there is none.
func (s *session) checksum(ctx context.Context, address string) (string, error) {
	b, err := s.client.Text(ctx, address+".sha256", maxText)
	if errors.Is(err, feed.ErrAbsent) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	word, _, _ := strings.Cut(strings.TrimSpace(string(b)), " ")
	if !hexSHA256.MatchString(word) {
		return "", fmt.Errorf("%s.sha256: %.80q is no SHA-256", address, word)
	}
	return word, nil
}

func (s *session) unpackZstd(from, out string) (web.Received, error) {
	in, err := os.Open(from)
	if err != nil {
		return web.Received{}, err
	}
	defer func() { _ = in.Close() }()
	z, err := zstd.NewReader(bufio.NewReader(in), zstd.WithDecoderMaxMemory(512<<20), zstd.WithDecoderConcurrency(2))
	if err != nil {
		return web.Received{}, err
	}
	defer z.Close()
	return repack(z, out, csafMember)
}

// csafMember keeps "<year>/<document>.json", whatever folder that lies in.
func csafMember(name string) (string, bool) {
	name = path.Join(path.Base(path.Dir(name)), path.Base(name))
	return name, csafDocument.MatchString(name)
}

// csafChanges applies what changed and what was deleted since the marks.
func (s *session) csafChanges(ctx context.Context, file string) error {
	changes, mark, err := s.since(ctx, s.at("changes.csv"), s.mark(csafChanges), parseCSAFChange)
	if err != nil {
		return err
	}
	deleted, deletedMark, err := s.since(ctx, s.at("deletions.csv"), s.mark(csafDeleted), parseCSAFChange)
	if errors.Is(err, feed.ErrAbsent) {
		deleted, deletedMark, err = nil, s.mark(csafDeleted), nil
	}
	if err != nil {
		return err
	}
	latest := map[string]change{}
	for _, c := range append(changes, s.takePending("csaf", nil)...) {
		if old, ok := latest[c.name]; csafDocument.MatchString(c.name) && (!ok || c.at.After(old.at)) {
			latest[c.name] = c
		}
	}
	p := patch{}
	for _, d := range deleted {
		if c, ok := latest[d.name]; csafDocument.MatchString(d.name) && (!ok || c.at.Before(d.at)) {
			delete(latest, d.name)
			p[d.name] = nil
		}
	}
	late, fault := s.csafDocuments(ctx, latest, p)
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.fold(file, p); err != nil {
		return err
	}
	s.postpone("csaf", late)
	s.setMark(csafChanges, mark)
	s.setMark(csafDeleted, deletedMark)
	return fault
}

// csafDocuments fetches documents into the patch. Those that cannot be had are
// late; one that is gone without a word stays until the next archive.
func (s *session) csafDocuments(ctx context.Context, latest map[string]change, p patch) (late []change, fault error) {
	var changes []change
	for _, name := range keys(latest) {
		changes = append(changes, latest[name])
	}
	documents, err := s.documents(ctx, changes, s.at)
	if err != nil {
		return changes, err
	}
	var faults []error
	for _, d := range documents {
		err := d.err
		if err == nil {
			err = s.csafVerify(ctx, &d)
		}
		switch {
		case errors.Is(err, feed.ErrAbsent):
		case err != nil:
			faults, late = append(faults, err), append(late, d.change)
		default:
			p[d.name] = d.body
		}
	}
	return late, summary(faults)
}

// csafVerify holds a document to the checksum beside it, as long as the
// publisher has such.
func (s *session) csafVerify(ctx context.Context, d *document) error {
	const none = "no checksums"
	if s.mark(none) != "" {
		return nil
	}
	want, err := s.checksum(ctx, s.at(d.name))
	if err != nil {
		return err
	}
	if want == "" {
		s.setMark(none, s.stamp())
		return nil
	}
	if sum := sha256.Sum256(d.body); !strings.EqualFold(hex.EncodeToString(sum[:]), want) {
		return fmt.Errorf("%s: its SHA-256 is %x, the publisher says %s", d.name, sum, want)
	}
	return nil
}

// parseCSAFChange reads `"<year>/<document>.json","<RFC 3339>"`.
func parseCSAFChange(line string) (change, error) {
	fields, err := csv.NewReader(strings.NewReader(line)).Read()
	if err != nil && err != io.EOF || len(fields) != 2 {
		return change{}, fmt.Errorf("%.80q is no line of a list of changes", line)
	}
	at, err := time.Parse(time.RFC3339Nano, fields[1])
	if err != nil {
		return change{}, fmt.Errorf("%.80q is no line of a list of changes", line)
	}
	return change{at, fields[0]}, nil
}
