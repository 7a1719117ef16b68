package fetch

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"muster/internal/feed"
	"muster/internal/feed/layout"
	"muster/internal/version"
)

// reconcile is how often whole archives are compared, because a list of
// changes does not say what left.
const reconcile = 7 * 24 * time.Hour

// Marks of OSV: how far the list of all changes was followed, and per
// ecosystem when its archive was compared last.
const (
	osvMark  = "changes"
	osvWhole = "whole "
)

// fetchOSV follows OSV's bucket (feeds specification 3): archives at first
// and every week, between them the records that the list of changes names.
func fetchOSV(ctx context.Context, s *session) error {
	ecosystems, err := s.ecosystems(ctx)
	if err != nil {
		return err
	}
	changes, mark, err := s.since(ctx, s.at("modified_id.csv"), s.mark(osvMark), parseOSVChange)
	listed := err == nil || errors.Is(err, errTooMany)
	if !listed && !errors.Is(err, feed.ErrAbsent) {
		return err
	}
	whole := errors.Is(err, errTooMany) || !listed
	var faults []error
	for _, e := range ecosystems {
		if err := s.ecosystem(ctx, e, whole, changesOf(changes, e)); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", e, err))
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if listed {
		s.setMark(osvMark, mark) // what failed is pending or will be fetched whole
	}
	return errors.Join(faults...)
}

// ecosystems are those that the publisher has, muster can order and
// configuration wants.
func (s *session) ecosystems(ctx context.Context) ([]string, error) {
	wanted := s.fetcher.Ecosystems
	b, err := s.client.Text(ctx, s.at("ecosystems.txt"), maxText)
	if errors.Is(err, feed.ErrAbsent) && len(wanted) > 0 {
		return wanted, nil
	}
	if err != nil {
		return nil, err
	}
	var out []string
	for line := range strings.Lines(string(b)) {
		name := strings.TrimSpace(line)
		if _, ok := version.SchemeOf(name); !ok || strings.ContainsAny(name, ":/\\") {
			continue
		}
		if len(wanted) == 0 || slices.Contains(wanted, name) {
			out = append(out, name)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s: it names no ecosystem of those wanted", s.at("ecosystems.txt"))
	}
	return out, nil
}

// parseOSVChange reads "<RFC 3339>,<ecosystem>/<id>".
func parseOSVChange(line string) (change, error) {
	date, name, ok := strings.Cut(line, ",")
	at, err := time.Parse(time.RFC3339Nano, strings.TrimSpace(date))
	if !ok || err != nil {
		return change{}, fmt.Errorf("%.80q is no line of a list of changes", line)
	}
	return change{at, strings.ReplaceAll(strings.TrimSpace(name), " ", "%20")}, nil
}

// osvID is what an id of a record may look like.
var osvID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:+~-]{0,127}$`)

// changesOf are the changes of an ecosystem's records, by id.
func changesOf(changes []change, ecosystem string) []change {
	var out []change
	prefix := strings.ReplaceAll(ecosystem, " ", "%20") + "/"
	for _, c := range changes {
		if id, ok := strings.CutPrefix(c.name, prefix); ok && osvID.MatchString(id) {
			out = append(out, change{c.at, id})
		}
	}
	return out
}

// ecosystem brings one archive up to date.
func (s *session) ecosystem(ctx context.Context, name string, whole bool, changes []change) error {
	file := layout.OSV(name)
	if whole || s.known(file).Size == 0 || s.age(osvWhole+name) >= reconcile {
		var err error
		if changes, err = s.wholeEcosystem(ctx, name); err != nil {
			return err
		}
	}
	changes = append(changes, s.takePending(name, changes)...)
	if len(changes) == 0 {
		return nil
	}
	return s.records(ctx, name, changes)
}

// wholeEcosystem fetches the archive and says which records the list of
// changes has newer: an archive is made some time before it is offered.
func (s *session) wholeEcosystem(ctx context.Context, name string) ([]change, error) {
	file := layout.OSV(name)
	s.setMark(osvWhole+name, "")
	if err := s.save(); err != nil { // a crash from here on begins again here
		return nil, err
	}
	if _, err := s.put(ctx, s.at(url.PathEscape(name)+"/all.zip"), file, expectation{limit: maxArchive, count: countZIP}); err != nil {
		return nil, err
	}
	var changes []change
	listed, _, err := s.since(ctx, s.at(url.PathEscape(name)+"/modified_id.csv"), "", parseOSVChange)
	switch {
	case errors.Is(err, errTooMany):
		listed, err = s.wholeList(ctx, name)
	case errors.Is(err, feed.ErrAbsent):
		err = nil
	}
	if err == nil && len(listed) > 0 {
		changes, err = newer(s.path(file), listed)
	}
	if err != nil {
		return nil, err
	}
	s.setMark(osvWhole+name, s.stamp())
	return changes, nil
}

// wholeList reads all of an ecosystem's list of changes.
func (s *session) wholeList(ctx context.Context, name string) ([]change, error) {
	b, err := s.client.Text(ctx, s.at(url.PathEscape(name)+"/modified_id.csv"), maxIndex)
	if err != nil {
		return nil, err
	}
	var out []change
	for line := range strings.Lines(string(b)) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		c, err := parseOSVChange(line)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// newer are the listed records that the archive lacks or has older.
func newer(archive string, listed []change) ([]change, error) {
	have, err := modifiedTimes(archive)
	if err != nil {
		return nil, err
	}
	var out []change
	for _, c := range listed {
		at, ok := have[c.name]
		if osvID.MatchString(c.name) && (!ok || at.Before(c.at.Truncate(time.Second))) {
			out = append(out, c)
		}
	}
	if len(out) > maxChanges {
		return nil, fmt.Errorf("the archive lacks %d of the %d records that the list of changes has", len(out), len(listed))
	}
	return out, nil
}

// modifiedTimes reads when each record of an archive was changed.
func modifiedTimes(archive string) (map[string]time.Time, error) {
	z, err := zip.OpenReader(archive)
	if err != nil {
		return nil, err
	}
	defer func() { _ = z.Close() }()
	out := make(map[string]time.Time, len(z.File))
	for _, m := range z.File {
		id, ok := strings.CutSuffix(m.Name, ".json")
		if !ok {
			continue
		}
		r, err := m.Open()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
		b, err := feed.ReadAll(r, maxDocument)
		if err = errors.Join(err, r.Close()); err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
		_, out[id] = identity(b)
	}
	return out, nil
}

// identity reads a record's id and time of change; zero where it has none.
func identity(record []byte) (string, time.Time) {
	var r struct {
		ID       string    `json:"id"`
		Modified time.Time `json:"modified"`
	}
	_ = json.Unmarshal(record, &r) // what is no record has no id
	return r.ID, r.Modified
}

// records fetches changed records and folds them into the archive. Those that
// cannot be had, or are older than the list says, stay pending.
func (s *session) records(ctx context.Context, name string, changes []change) error {
	documents, err := s.documents(ctx, changes, func(id string) string {
		return s.at(url.PathEscape(name) + "/" + url.PathEscape(id) + ".json")
	})
	if err != nil {
		s.postpone(name, changes)
		return err
	}
	p := patch{}
	var faults []error
	var late []change
	for _, d := range documents {
		if errors.Is(d.err, feed.ErrAbsent) {
			continue // left the ecosystem; the next whole archive says so
		}
		if err := d.check(); err != nil {
			faults, late = append(faults, err), append(late, d.change)
			continue
		}
		p[d.name+".json"] = d.body
	}
	if err := s.fold(layout.OSV(name), p); err != nil {
		s.postpone(name, changes)
		return err
	}
	s.postpone(name, late)
	return summary(faults)
}

// check holds a record to what the list of changes says of it.
func (d *document) check() error {
	if d.err != nil {
		return d.err
	}
	id, modified := identity(d.body)
	if id != d.name {
		return fmt.Errorf("record %s: its id is %.60q", d.name, id)
	}
	if modified.Before(d.at.Truncate(time.Second)) {
		return fmt.Errorf("record %s: it is of %s, the list of changes says %s", d.name, modified.Format(time.RFC3339), d.at.Format(time.RFC3339))
	}
	return nil
}

// summary joins the first faults of many.
func summary(faults []error) error {
	const shown = 3
	if len(faults) > shown {
		faults = append(faults[:shown:shown], fmt.Errorf("and %d more", len(faults)-shown))
	}
	return errors.Join(faults...)
}

// fold puts a patch into an archive of the folder.
func (s *session) fold(file string, p patch) error {
	if len(p) == 0 {
		return nil
	}
	made := s.part(file)
	got, err := applyPatch(s.path(file), made, p)
	if err != nil {
		return err
	}
	_, err = s.placeArchive(file, made, got, s.known(file).Note)
	return err
}

// postpone keeps changes for the next run, with an ecosystem's name before
// the id; takePending takes those back that are not in a list already.
func (s *session) postpone(ecosystem string, changes []change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range changes {
		s.state.Pending = append(s.state.Pending, ecosystem+"/"+c.name+" "+c.at.Format(time.RFC3339Nano))
	}
}

func (s *session) takePending(ecosystem string, listed []change) []change {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []change
	s.state.Pending = slices.DeleteFunc(s.state.Pending, func(text string) bool {
		rest, ok := strings.CutPrefix(text, ecosystem+"/")
		id, date, _ := strings.Cut(rest, " ")
		if !ok {
			return false
		}
		at, _ := time.Parse(time.RFC3339Nano, date)
		if !slices.ContainsFunc(listed, func(c change) bool { return c.name == id }) {
			out = append(out, change{at, id})
		}
		return true
	})
	return out
}
