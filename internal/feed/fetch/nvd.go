package fetch

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"muster/internal/feed"
	"muster/internal/feed/fetch/web"
	"muster/internal/feed/layout"
)

const nvdFirstYear = 2002

// fetchNVD keeps the yearly files, each read again every week, and the file of
// what was modified in the last eight days (feeds specification 4.3).
func fetchNVD(ctx context.Context, s *session) error {
	names := []string{"modified"}
	for year := nvdFirstYear; year <= s.now.Year(); year++ {
		names = append(names, strconv.Itoa(year))
	}
	var faults []error
	for _, name := range names {
		mark := "whole " + name
		if name != "modified" && s.known(layout.NVD(name)).Size > 0 && s.age(mark) < reconcile {
			continue
		}
		err := s.nvdFile(ctx, name)
		var refused *RefusedError
		if errors.As(err, &refused) {
			err = s.nvdFile(ctx, name) // replaced between its two files
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", name, err))
			continue
		}
		s.setMark(mark, s.stamp())
		if err := s.save(); err != nil {
			return err
		}
	}
	return summary(faults)
}

// nvdFile fetches one file if its description says that it is another one.
func (s *session) nvdFile(ctx context.Context, name string) error {
	address := s.at("nvdcve-2.0-" + name)
	b, err := s.client.Text(ctx, address+".meta", maxText)
	if err != nil {
		return err
	}
	want := metaSum(string(b))
	if want == "" {
		return fmt.Errorf("%s.meta: it has no sha256", address)
	}
	file, mark := layout.NVD(name), "sha256 "+name
	if s.known(file).Size > 0 && s.mark(mark) == want {
		return nil
	}
	count := reading(func(r io.Reader) (int, error) { return countNVD(r, want) })
	changed, err := s.put(ctx, address+".json.gz", file, expectation{count: count})
	if err == nil && !changed {
		_, err = count(s.path(file)) // the description changed, the file did not
	}
	if err != nil {
		return err
	}
	s.setMark(mark, want)
	return nil
}

// metaSum reads the checksum of a description: lines of "key:value".
func metaSum(meta string) string {
	for line := range strings.Lines(meta) {
		if sum, ok := strings.CutPrefix(strings.TrimSpace(line), "sha256:"); ok && hexSHA256.MatchString(sum) {
			return strings.ToLower(sum)
		}
	}
	return ""
}

// countNVD unpacks a file, compares the checksum of what is in it and counts
// its CVEs.
func countNVD(r io.Reader, want string) (int, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return 0, err
	}
	c := &occurrences{word: []byte(`"sourceIdentifier"`), hash: sha256.New()}
	if _, err := io.Copy(c, feed.Bounded(z, maxArchive)); err != nil {
		return 0, err
	}
	if sum := hex.EncodeToString(c.hash.Sum(nil)); want != "" && sum != want {
		return 0, fmt.Errorf("the SHA-256 of its content is %s, the publisher says %s", sum, want)
	}
	return c.n, nil
}

// occurrences counts a word in what is written.
type occurrences struct {
	word, tail []byte
	hash       hash.Hash
	n          int
}

func (o *occurrences) Write(p []byte) (int, error) {
	_, _ = o.hash.Write(p) // never fails
	joined := append(o.tail, p[:min(len(p), len(o.word)-1)]...)
	o.n += bytes.Count(joined, o.word) + bytes.Count(p, o.word)
	all := append(o.tail, p...)
	o.tail = bytes.Clone(tail(all, len(o.word)-1))
	return len(p), nil
}

// Marks of the API.
const (
	nvdModified = "modified"
	nvdPage     = "page"
	nvdBegun    = "begun"
)

// maxWindow is the longest range of dates that the API answers.
const maxWindow = 120 * 24 * time.Hour

// fetchNVDAPI reads the API: all pages at first, each kept as it comes so that
// a process that dies goes on there, and then what was modified since.
func fetchNVDAPI(ctx context.Context, s *session) error {
	if key := s.fetcher.NVDKey; key != "" {
		s.client.Header = http.Header{"Apikey": {key}}
	}
	if s.mark(nvdModified) == "" {
		return s.nvdPages(ctx)
	}
	for {
		from, err := time.Parse(time.RFC3339, s.mark(nvdModified))
		if err != nil {
			return err
		}
		to := from.Add(maxWindow - time.Hour)
		if to.After(s.now) {
			to = s.now
		}
		if err := s.nvdWindow(ctx, from, to); err != nil {
			return err
		}
		s.setMark(nvdModified, to.Format(time.RFC3339))
		if err := s.save(); err != nil || !to.Before(s.now) {
			return err
		}
	}
}

// nvdPages reads everything.
func (s *session) nvdPages(ctx context.Context) error {
	if s.mark(nvdBegun) == "" {
		s.setMark(nvdBegun, s.stamp())
	}
	at, _ := strconv.Atoi(s.mark(nvdPage))
	for {
		page, b, err := s.nvdPage(ctx, url.Values{"startIndex": {strconv.Itoa(at)}})
		if err != nil {
			return err
		}
		if len(page.Vulnerabilities) > 0 {
			if err := s.nvdKeep(fmt.Sprintf("api-%07d", at), b, len(page.Vulnerabilities)); err != nil {
				return err
			}
		}
		at += len(page.Vulnerabilities)
		s.setMark(nvdPage, strconv.Itoa(at))
		if at >= page.Total {
			break
		}
		if err := s.save(); err != nil {
			return err
		}
	}
	s.setMark(nvdModified, s.mark(nvdBegun))
	s.setMark(nvdBegun, "")
	s.setMark(nvdPage, "")
	return nil
}

// nvdAnswer is a page of the API.
type nvdAnswer struct {
	Total           int       `json:"totalResults"`
	Vulnerabilities []nvdItem `json:"vulnerabilities"`
}

type nvdItem struct {
	CVE json.RawMessage `json:"cve"`
}

// nvdPage asks for one page, at the API's pace.
func (s *session) nvdPage(ctx context.Context, query url.Values) (nvdAnswer, []byte, error) {
	pace := 6 * time.Second // 5 requests in 30 s
	if s.fetcher.NVDKey != "" {
		pace = 600 * time.Millisecond
	}
	var page nvdAnswer
	if err := s.fetcher.Wait(ctx, pace); err != nil {
		return page, nil, err
	}
	query.Set("resultsPerPage", "2000")
	address := s.source.base + "?" + query.Encode()
	b, err := s.client.Text(ctx, address, maxIndex*4)
	if err != nil {
		return page, nil, err
	}
	s.bytes.Add(int64(len(b)))
	if err := json.Unmarshal(b, &page); err != nil {
		return page, nil, fmt.Errorf("%s: %w", address, err)
	}
	if start, _ := strconv.Atoi(query.Get("startIndex")); len(page.Vulnerabilities) == 0 && start < page.Total {
		return page, nil, fmt.Errorf("%s: an empty page, although there are %d", address, page.Total)
	}
	return page, b, nil
}

// nvdKeep writes a page into the folder.
func (s *session) nvdKeep(name string, b []byte, records int) error {
	file := layout.NVD(name)
	made := s.part(file)
	got, err := packed(made, b)
	if err != nil {
		return err
	}
	got.Note = web.Note{URL: s.source.base}
	_, err = s.place(file, made, got, expectation{count: func(string) (int, error) { return records, nil }})
	return err
}

// packed writes bytes by gzip, the same bytes for the same content.
func packed(path string, b []byte) (web.Received, error) {
	f, err := os.Create(path)
	if err != nil {
		return web.Received{}, err
	}
	h, n := sha256.New(), &counter{}
	z := gzip.NewWriter(io.MultiWriter(f, h, n))
	_, err = z.Write(b)
	if err = errors.Join(err, z.Close(), f.Sync(), f.Close()); err != nil {
		return web.Received{}, err
	}
	return web.Received{Size: n.n, SHA256: hex.EncodeToString(h.Sum(nil))}, nil
}

// nvdWindow reads what was modified in a range of dates and joins it to what
// was modified before.
func (s *session) nvdWindow(ctx context.Context, from, to time.Time) error {
	const form = "2006-01-02T15:04:05.000Z"
	const name = "api-changes"
	all, err := s.nvdChanges(layout.NVD(name))
	if err != nil {
		return err
	}
	before := len(all)
	for at := 0; ; {
		page, _, err := s.nvdPage(ctx, url.Values{
			"startIndex": {strconv.Itoa(at)}, "lastModStartDate": {from.UTC().Format(form)}, "lastModEndDate": {to.UTC().Format(form)},
		})
		if err != nil {
			return err
		}
		for _, v := range page.Vulnerabilities {
			if id := nvdID(v.CVE); id != "" {
				all[id] = v.CVE
			}
		}
		if at += len(page.Vulnerabilities); at >= page.Total {
			if page.Total == 0 && len(all) == before {
				return nil
			}
			break
		}
	}
	answer := nvdAnswer{Total: len(all)}
	for _, id := range keys(all) {
		answer.Vulnerabilities = append(answer.Vulnerabilities, nvdItem{all[id]})
	}
	b, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	return s.nvdKeep(name, b, len(all))
}

func nvdID(cve json.RawMessage) string {
	var c struct {
		ID string `json:"id"`
	}
	_ = json.Unmarshal(cve, &c) // what is no CVE has no id
	return c.ID
}

// nvdChanges reads the file of changes; empty if there is none.
func (s *session) nvdChanges(file string) (map[string]json.RawMessage, error) {
	out := map[string]json.RawMessage{}
	if s.known(file).Size == 0 {
		return out, nil
	}
	f, err := os.Open(s.path(file))
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var answer nvdAnswer
	if err := json.NewDecoder(feed.Bounded(z, maxArchive)).Decode(&answer); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for _, v := range answer.Vulnerabilities {
		out[nvdID(v.CVE)] = v.CVE
	}
	return out, nil
}
