package fetch

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"muster/internal/feed"
	"muster/internal/feed/fetch/web"
	"muster/internal/feed/layout"
)

// rockyPage is an answer of Rocky's errata API.
type rockyPage struct {
	Advisories []json.RawMessage `json:"advisories"`
	Total      int               `json:"total"`
}

// rockyAdvisory is what is needed of an advisory to follow changes.
type rockyAdvisory struct {
	Name    string `json:"name"`
	Updated string `json:"updated_at"`
}

// rockyWhole marks when all pages were read last.
const rockyWhole = "whole"

// fetchRocky reads the errata API, newest first: all pages at first and every
// week, between them those up to a page on which nothing is new.
func fetchRocky(ctx context.Context, s *session) error {
	whole := s.known(layout.RockyErrata).Size == 0 || s.age(rockyWhole) >= reconcile
	have := map[string]string{}
	if !whole {
		var err error
		if have, err = rockyHave(s.path(layout.RockyErrata)); err != nil {
			return err
		}
	}
	p, err := s.rockyPages(ctx, have, whole)
	if err != nil {
		return err
	}
	if !whole {
		return s.fold(layout.RockyErrata, p)
	}
	made := s.part(layout.RockyErrata)
	got, err := applyPatch("", made, p)
	if err != nil {
		return err
	}
	if _, err := s.placeArchive(layout.RockyErrata, made, got, web.Note{URL: s.source.base}); err != nil {
		return err
	}
	s.setMark(rockyWhole, s.stamp())
	return nil
}

// rockyPages collects what is new.
func (s *session) rockyPages(ctx context.Context, have map[string]string, whole bool) (patch, error) {
	const size = 100
	p := patch{}
	for number, seen := 1, 0; ; number++ {
		page, err := s.rockyPage(ctx, number, size)
		if err != nil {
			return nil, err
		}
		fresh, err := p.addRocky(page, have)
		if err != nil {
			return nil, fmt.Errorf("page %d: %w", number, err)
		}
		seen += len(page.Advisories)
		if seen >= page.Total || !whole && fresh == 0 {
			return p, nil
		}
		if len(page.Advisories) == 0 || len(p) > maxDocuments {
			return nil, fmt.Errorf("page %d: %d of %d advisories came", number, seen, page.Total)
		}
	}
}

func (s *session) rockyPage(ctx context.Context, number, size int) (rockyPage, error) {
	var page rockyPage
	address := s.source.base + "/?page=" + strconv.Itoa(number) + "&size=" + strconv.Itoa(size)
	b, err := s.client.Text(ctx, address, maxIndex)
	if err != nil {
		return page, err
	}
	s.bytes.Add(int64(len(b)))
	if err := json.Unmarshal(b, &page); err != nil {
		return page, fmt.Errorf("%s: %w", address, err)
	}
	return page, nil
}

// addRocky takes the advisories of a page that are new, and counts them.
func (p patch) addRocky(page rockyPage, have map[string]string) (int, error) {
	fresh := 0
	for _, raw := range page.Advisories {
		var a rockyAdvisory
		if err := json.Unmarshal(raw, &a); err != nil || !osvID.MatchString(a.Name) {
			return 0, fmt.Errorf("an advisory has the name %.60q", a.Name)
		}
		if have[a.Name] == a.Updated && a.Updated != "" {
			continue
		}
		b, err := json.Marshal(rockyPage{Advisories: []json.RawMessage{raw}, Total: 1})
		if err != nil {
			return 0, err
		}
		p[a.Name+".json"] = b
		fresh++
	}
	return fresh, nil
}

// rockyHave reads when each advisory of the archive was updated.
func rockyHave(path string) (map[string]string, error) {
	z, err := zip.OpenReader(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = z.Close() }()
	out := map[string]string{}
	for _, m := range z.File {
		r, err := m.Open()
		if err != nil {
			return nil, err
		}
		b, err := feed.ReadAll(r, maxDocument)
		if err = errors.Join(err, r.Close()); err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
		var page struct{ Advisories []rockyAdvisory }
		if json.Unmarshal(b, &page) == nil && len(page.Advisories) == 1 {
			out[page.Advisories[0].Name] = page.Advisories[0].Updated
		}
	}
	return out, nil
}
