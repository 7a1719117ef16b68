package debian

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"muster/internal/advisory"
	"muster/internal/feed"
)

// Bounds of a list. The real ones have 2 MB and 6,000 notices each.
const (
	maxListBytes = 256 << 20
	maxListLine  = 1 << 20
	maxNotices   = 1_000_000
)

// ErrList says that bytes are not a list of notices.
var ErrList = errors.New("not a list of Debian's security notices")

// ParseList reads a list of notices, DSA or DLA, in the tracker's own form and
// calls each for every one that is about security, in the list's order (the
// newest first):
//
//	[12 Feb 2025] DSA-5864-1 pam-pkcs11 - security update
//		{CVE-2025-24032 CVE-2025-24531}
//		[bookworm] - pam-pkcs11 0.6.12-1+deb12u1
//
// Updates that mend a regression and name no CVE are left out. Lines of other
// forms are passed over, as the tracker does; a list without notices is
// refused.
func ParseList(r io.Reader, each func(advisory.Advisory) error) error {
	lines := bufio.NewScanner(feed.Bounded(r, maxListBytes))
	lines.Buffer(make([]byte, 64<<10), maxListLine)
	var current notice
	notices := 0
	flush := func() error {
		if !current.counts() {
			return nil
		}
		return each(current.Advisory)
	}
	for lines.Scan() {
		head, ok := parseHead(lines.Text())
		if !ok {
			current.line(strings.TrimSpace(lines.Text()))
			continue
		}
		if err := flush(); err != nil {
			return err
		}
		if notices++; notices > maxNotices {
			return fmt.Errorf("%w: more than %d notices", ErrList, maxNotices)
		}
		current = head
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%w: %w", ErrList, err)
	}
	if notices == 0 {
		return fmt.Errorf("%w: it holds no notices", ErrList)
	}
	return flush()
}

// notice is one in the making.
type notice struct{ advisory.Advisory }

// parseHead reads the line that a notice begins with.
func parseHead(line string) (notice, bool) {
	date, rest, ok := strings.Cut(line, "] ")
	if !ok || !strings.HasPrefix(date, "[") {
		return notice{}, false
	}
	published, err := time.Parse("_2 Jan 2006", date[1:])
	id, title, _ := strings.Cut(rest, " ")
	if err != nil || !isNotice(id) {
		return notice{}, false
	}
	return notice{advisory.Advisory{
		ID: id, Summary: strings.TrimSpace(title), Published: published, Modified: published,
		References: []advisory.Reference{{Type: "ADVISORY", URL: "https://security-tracker.debian.org/tracker/" + id}},
	}}, true
}

// isNotice accepts DSA-5864-1, DLA-4051-1, DSA-100.
func isNotice(id string) bool {
	kind, number, ok := strings.Cut(id, "-")
	if !ok || len(id) > 32 || number == "" || (kind != "DSA" && kind != "DLA" && kind != "DTSA") {
		return false
	}
	return strings.Trim(number, "0123456789-") == ""
}

// line adds what a line below the head says.
func (n *notice) line(text string) {
	switch {
	case n.ID == "" || text == "":
	case text[0] == '{':
		for _, id := range strings.Fields(strings.Trim(text, "{}")) {
			if advisory.IsCVE(id) {
				n.Upstream = append(n.Upstream, id)
			}
		}
	case text[0] == '[':
		n.affect(text)
	}
}

// longestName bounds names of packages and releases; longer ones could not be
// stored.
const longestName = 256

// affect reads "[bookworm] - webkit2gtk 2.46.6-1~deb12u1".
func (n *notice) affect(text string) {
	codename, rest, ok := strings.Cut(text[1:], "]")
	words := strings.Fields(strings.TrimPrefix(strings.TrimSpace(rest), "-"))
	if !ok || len(words) < 2 || len(words[0]) > longestName || len(codename) > longestName {
		return
	}
	state, fixed := Resolved, words[1]
	switch fixed {
	case "<not-affected>":
		fixed = "0"
	case "<unfixed>":
		state = Open
	case "<end-of-life>":
		state = EndOfLife
	case "<undetermined>":
		state = Undetermined
	}
	if strings.HasPrefix(fixed, "<") && state == Resolved {
		return
	}
	n.Affected = append(n.Affected, entry(words[0], codename, state, fixed, ""))
}

// counts reports whether the notice tells of a vulnerability.
func (n *notice) counts() bool {
	return n.ID != "" && len(n.Affected) > 0 && (len(n.Upstream) > 0 || strings.HasSuffix(n.Summary, "security update"))
}
