package fetch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"muster/internal/feed"
	"muster/internal/feed/layout"
)

// single fetches a data set that is one file.
func single(file string, want expectation) func(context.Context, *session) error {
	return func(ctx context.Context, s *session) error {
		_, err := s.put(ctx, s.source.base, file, want)
		return err
	}
}

// several fetches a data set of files with fixed addresses below the source's.
func several(files map[string]string) func(context.Context, *session) error {
	return func(ctx context.Context, s *session) error {
		addresses := map[string]string{}
		for file, name := range files {
			addresses[file] = s.at(name)
		}
		return s.putAll(ctx, addresses, false)
	}
}

// fetchEPSS takes the current scores or, while a publisher has no such name,
// those of today or yesterday (feeds specification 4.2).
func fetchEPSS(ctx context.Context, s *session) error {
	names := []string{"epss_scores-current.csv.gz"}
	for _, day := range []time.Time{s.now, s.now.AddDate(0, 0, -1)} {
		names = append(names, "epss_scores-"+day.Format(time.DateOnly)+".csv.gz")
	}
	var err error
	for _, name := range names {
		_, err = s.put(ctx, s.at(name), layout.EPSS, expectation{limit: maxIndex, count: reading(countEPSS)})
		if !errors.Is(err, feed.ErrAbsent) {
			return err
		}
	}
	return err
}

// fetchPhoton follows the list of versions.
func fetchPhoton(ctx context.Context, s *session) error {
	b, err := s.client.Text(ctx, s.at("photon_versions.json"), maxText)
	if err != nil {
		return err
	}
	var list struct {
		Branches []string `json:"branches"`
	}
	if err := json.Unmarshal(b, &list); err != nil || len(list.Branches) == 0 {
		return fmt.Errorf("%s: not a list of versions", s.at("photon_versions.json"))
	}
	files := map[string]string{}
	for _, version := range list.Branches {
		if version != "dev" && safeName.MatchString(version) {
			files[layout.Photon(version)] = s.at("cve_data_photon" + version + ".json")
		}
	}
	return s.putAll(ctx, files, false)
}

// safeName is a name of a release or file that a list may give.
var safeName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// link finds the references of an index page.
var link = regexp.MustCompile(`(?i)href="([^"?#]+)"`)

// index reads the names on an index page; those that lead elsewhere are left out.
func (s *session) index(ctx context.Context, address string) ([]string, error) {
	b, err := s.client.Text(ctx, address, maxIndex)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, m := range link.FindAllSubmatch(b, -1) {
		name := strings.TrimPrefix(string(m[1]), "./")
		if safeName.MatchString(strings.TrimSuffix(name, "/")) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s: the index names nothing", address)
	}
	return names, nil
}

// fetchAlpine follows the index of releases (feeds specification 5.5).
func fetchAlpine(ctx context.Context, s *session) error {
	names, err := s.index(ctx, s.at(""))
	if err != nil {
		return err
	}
	files := map[string]string{}
	for _, name := range names {
		release, folder := strings.CutSuffix(name, "/")
		if !folder || !alpineRelease.MatchString(release) {
			continue
		}
		for _, repository := range []string{"main", "community"} {
			files[layout.Alpine(release, repository)] = s.at(release + "/" + repository + ".json")
		}
	}
	if len(files) == 0 {
		return fmt.Errorf("%s: the index names no release", s.at(""))
	}
	return s.putAll(ctx, files, true)
}

var alpineRelease = regexp.MustCompile(`^(edge|v[0-9]+\.[0-9]+)$`)

// fetchSUSE follows the index of OVAL files: of each product the file that
// also lists what is not fixed, gzip before bzip2.
func fetchSUSE(ctx context.Context, s *session) error {
	names, err := s.index(ctx, s.at(""))
	if err != nil {
		return err
	}
	best := map[string]string{}
	for _, name := range names {
		m := suseFile.FindStringSubmatch(name)
		if m != nil && suseRank(name) > suseRank(best[m[1]]) {
			best[m[1]] = name
		}
	}
	if len(best) == 0 {
		return fmt.Errorf("%s: the index names no definitions", s.at(""))
	}
	files := map[string]string{}
	for _, name := range best {
		files[layout.SUSE(name)] = s.at(name)
	}
	return s.putAll(ctx, files, false)
}

// suseFile are the products in use; the older ones are not published anew.
var suseFile = regexp.MustCompile(`^((?:suse\.linux\.enterprise(?:\.(?:server|desktop|micro))?\.[0-9.]+|suse\.linux\.micro\.[0-9.]+|opensuse\.(?:leap|leap\.micro)\.[0-9.]+|opensuse\.tumbleweed))(?:-affected)?\.xml\.(?:gz|bz2)$`)

func suseRank(name string) int {
	rank := 0
	for i, part := range []string{".xml", ".gz", "-affected"} {
		if strings.Contains(name, part) {
			rank += 1 << i
		}
	}
	return rank
}

// putAll fetches the files of a source and drops those that
// the publisher's list no longer has, unless that would be most of them. Each
// has its own fault; missing ones are one unless some may be.
func (s *session) putAll(ctx context.Context, files map[string]string, someMissing bool) error {
	var faults []error
	for _, name := range keys(files) {
		_, err := s.put(ctx, files[name], name, expectation{})
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if someMissing && errors.Is(err, feed.ErrAbsent) {
			continue
		}
		if err != nil {
			faults = append(faults, err)
		}
	}
	if len(faults) > 0 {
		return errors.Join(faults...)
	}
	return s.dropOthers(files)
}

func (s *session) dropOthers(files map[string]string) error {
	s.mu.Lock()
	var gone []string
	for name := range s.state.Files {
		if _, ok := files[name]; !ok {
			gone = append(gone, name)
		}
	}
	total := len(s.state.Files)
	s.mu.Unlock()
	if len(gone)*100 > total*maxShrink && !s.shrunken {
		return fmt.Errorf("the list names only %d of %d files; the others stay", total-len(gone), total)
	}
	for _, name := range gone {
		if err := s.drop(name); err != nil {
			return err
		}
	}
	return nil
}
