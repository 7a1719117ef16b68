package fetch

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"path"
	"strings"

	"muster/internal/feed"
	"muster/internal/feed/layout"
)

// amazonRepository is one repository and its list of mirrors.
type amazonRepository struct{ release, name, list string }

// amazonRepositories are those that are always there. The extras of release 2
// are named by their catalogue.
func amazonRepositories() []amazonRepository {
	return []amazonRepository{
		{"2", "core", "2/core/latest/x86_64/mirror.list"},
		{"2022", "core", "al2022/core/mirrors/latest/x86_64/mirror.list"},
		{"2023", "core", "al2023/core/mirrors/latest/x86_64/mirror.list"},
		{"2023", "kernel-livepatch", "al2023/kernel-livepatch/mirrors/latest/x86_64/mirror.list"},
	}
}

// fetchAmazon follows mirror list, repository metadata and checksum to the
// updateinfo of each repository (feeds specification 5).
func fetchAmazon(ctx context.Context, s *session) error {
	repositories := amazonRepositories()
	extras, err := s.amazonExtras(ctx)
	if err != nil {
		return err
	}
	var faults []error
	found := 0
	for _, r := range append(repositories, extras...) {
		err := s.amazonRepository(ctx, r)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			found++
		case !errors.Is(err, feed.ErrAbsent) || s.known(layout.Amazon(r.release, r.name)).Size > 0:
			faults = append(faults, fmt.Errorf("%s %s: %w", r.release, r.name, err))
		}
	}
	if found == 0 && len(faults) == 0 {
		return fmt.Errorf("%s: no repository is there", s.at(""))
	}
	return errors.Join(faults...)
}

// amazonExtras reads the catalogue of topics.
func (s *session) amazonExtras(ctx context.Context) ([]amazonRepository, error) {
	b, err := s.client.Text(ctx, s.at("2/extras-catalog.json"), maxText)
	if errors.Is(err, feed.ErrAbsent) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var catalogue struct {
		Topics []struct {
			Name string `json:"n"`
		} `json:"topics"`
	}
	if err := json.Unmarshal(b, &catalogue); err != nil {
		return nil, fmt.Errorf("%s: %w", s.at("2/extras-catalog.json"), err)
	}
	var out []amazonRepository
	for _, t := range catalogue.Topics {
		if safeName.MatchString(t.Name) && t.Name != "core" {
			out = append(out, amazonRepository{"2", t.Name, "2/extras/" + t.Name + "/latest/x86_64/mirror.list"})
		}
	}
	return out, nil
}

func (s *session) amazonRepository(ctx context.Context, r amazonRepository) error {
	b, err := s.client.Text(ctx, s.at(r.list), maxText)
	if err != nil {
		return err
	}
	list := strings.Fields(string(b))
	if len(list) == 0 {
		return fmt.Errorf("%s: it names no mirror", s.at(r.list))
	}
	base := strings.TrimRight(s.local(list[0]), "/")
	info, err := s.updateinfo(ctx, base)
	if err != nil {
		return err
	}
	if _, suffix := path.Split(info.location); !strings.HasSuffix(suffix, ".gz") {
		return fmt.Errorf("%s/repodata/repomd.xml: updateinfo is %.80q, which is not packed by gzip", base, info.location)
	}
	_, err = s.put(ctx, base+"/"+info.location, layout.Amazon(r.release, r.name), expectation{sha256: info.sha256})
	return err
}

// updateinfo says where a repository's updateinfo lies.
type updateinfo struct{ location, sha256 string }

type repomd struct {
	Data []struct {
		Type     string `xml:"type,attr"`
		Checksum struct {
			Type  string `xml:"type,attr"`
			Value string `xml:",chardata"`
		} `xml:"checksum"`
		Location struct {
			Href string `xml:"href,attr"`
		} `xml:"location"`
	} `xml:"data"`
}

// updateinfo reads a repository's metadata; feed.ErrAbsent where it has none
// about updates.
func (s *session) updateinfo(ctx context.Context, base string) (updateinfo, error) {
	address := base + "/repodata/repomd.xml"
	b, err := s.client.Text(ctx, address, maxText)
	if err != nil {
		return updateinfo{}, err
	}
	var md repomd
	if err := xml.Unmarshal(b, &md); err != nil {
		return updateinfo{}, fmt.Errorf("%s: %w", address, err)
	}
	for _, d := range md.Data {
		if d.Type != "updateinfo" {
			continue
		}
		href := d.Location.Href
		if href == "" || href != path.Clean(href) || strings.HasPrefix(href, "/") || strings.HasPrefix(href, "..") {
			return updateinfo{}, fmt.Errorf("%s: updateinfo is at %.80q", address, href)
		}
		u := updateinfo{location: href}
		if d.Checksum.Type == "sha256" {
			u.sha256 = strings.TrimSpace(d.Checksum.Value)
		}
		return u, nil
	}
	return updateinfo{}, fmt.Errorf("%s: updateinfo: %w", address, feed.ErrAbsent)
}
