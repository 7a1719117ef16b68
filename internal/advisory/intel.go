package advisory

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Intel is what is known of a CVE beside the packages it affects.
type Intel struct {
	CVE                string
	Title, Description string
	// Published and Modified are the CVE record's dates, zero where unknown.
	Published, Modified time.Time
	// Scores are all known CVSS ratings, in the order of their source file.
	Scores []Score
	CWEs   []string
	// UbuntuPriority is Canonical's word (negligible … critical).
	UbuntuPriority string
	// SSVC is CISA's assessment; zero where there is none.
	SSVC SSVC
	// KEV is the entry in CISA's catalogue of exploited vulnerabilities, EPSS
	// the daily estimate; nil where there is none.
	KEV  *KEV
	EPSS *EPSS
	// Exploits are public exploits; zero where none is known.
	Exploits Exploits
	// References are what the CVE's records cite; type EVIDENCE is an exploit.
	References []Reference
	// Rejected: the id was taken back. It never was a vulnerability.
	Rejected bool
	// Disputed: somebody denies that it is one.
	Disputed bool
}

// ExploitKnown reports whether any source says that an exploit exists
// (scanning specification 4.5).
func (i *Intel) ExploitKnown() bool {
	return i.KEV != nil || i.Exploits.known() || i.SSVC.Exploitation == "poc" || i.SSVC.Exploitation == "active" ||
		slices.ContainsFunc(i.References, func(r Reference) bool { return r.Type == "EVIDENCE" })
}

// Add fills in what another source knows and this one does not. Ratings are
// added unless the same rater's are there in the same version of CVSS: a
// source of lower precedence may have an older copy of them.
func (i *Intel) Add(o *Intel) {
	i.Title, i.Description = cmp.Or(i.Title, o.Title), cmp.Or(i.Description, o.Description)
	i.UbuntuPriority = cmp.Or(i.UbuntuPriority, o.UbuntuPriority)
	if i.Published.IsZero() {
		i.Published = o.Published
	}
	if o.Modified.After(i.Modified) {
		i.Modified = o.Modified
	}
	known := len(i.Scores)
	for _, s := range o.Scores {
		if !slices.ContainsFunc(i.Scores[:known], s.sameRater) {
			i.Scores = append(i.Scores, s)
		}
	}
	i.CWEs = appendNew(i.CWEs, o.CWEs)
	if i.SSVC == (SSVC{}) {
		i.SSVC = o.SSVC
	}
	if i.KEV == nil {
		i.KEV = o.KEV
	}
	for _, r := range o.References {
		if !slices.ContainsFunc(i.References, func(k Reference) bool { return k.URL == r.URL && (k.Type == r.Type || r.Type == "WEB") }) {
			i.References = append(i.References, r)
		}
	}
	i.Rejected, i.Disputed = i.Rejected || o.Rejected, i.Disputed || o.Disputed
}

// sameRater reports whether two ratings are of the same rater in the same
// version of CVSS.
func (s Score) sameRater(o Score) bool {
	return strings.EqualFold(s.Source, o.Source) && versionOf(s.Vector) == versionOf(o.Vector)
}

// versionOf is "CVSS:3.1" of a vector, "" for version 2, which has no prefix.
func versionOf(vector string) string {
	if !strings.HasPrefix(vector, "CVSS:") {
		return ""
	}
	version, _, _ := strings.Cut(vector, "/")
	return version
}

// Score is one CVSS rating. Base is 0 to 10 as its source computed it.
type Score struct {
	Source, Vector string
	Base           float64
}

// SSVC holds CISA's decision points in their own words, empty where absent:
// exploitation none, poc or active; automatable yes or no; technical impact
// partial or total.
type SSVC struct{ Exploitation, Automatable, TechnicalImpact string }

// Set notes the value of a decision point by its name, which sources write in
// several ways ("Technical Impact", "technicalImpact"). Others, and values
// that are no words, are passed over.
func (s *SSVC) Set(point string, value any) {
	text, ok := value.(string)
	if !ok {
		return
	}
	switch strings.ToLower(strings.ReplaceAll(point, " ", "")) {
	case "exploitation":
		s.Exploitation = text
	case "automatable":
		s.Automatable = text
	case "technicalimpact":
		s.TechnicalImpact = text
	}
}

// KEV is an entry of CISA's Known Exploited Vulnerabilities catalogue. Dates
// are midnight UTC.
type KEV struct {
	Added, Due   time.Time
	Name, Action string
	// Ransomware: known to be used in ransomware campaigns.
	Ransomware bool
	Notes      string
	CWEs       []string
}

// EPSS is FIRST's estimate that a CVE will be exploited within 30 days.
type EPSS struct {
	// Score and Percentile are 0 to 1.
	Score, Percentile float64
	// Date is the day of the score; zero where the file did not say.
	Date time.Time
}

// Exploits lists where public exploits are indexed.
type Exploits struct {
	// Metasploit lists modules, ExploitDB numbers ("EDB-16929"), Nuclei
	// templates.
	Metasploit []string
	ExploitDB  []string `json:",omitempty"`
	Nuclei     []string `json:",omitempty"`
	KEV        bool
	// SSVC is "poc" or "active".
	SSVC string
	// Last is when the newest of them was published; zero where unknown.
	Last time.Time `json:",omitzero"`
}

func (e *Exploits) known() bool {
	return len(e.Metasploit) > 0 || len(e.ExploitDB) > 0 || len(e.Nuclei) > 0 || e.KEV || e.SSVC != ""
}

// Add joins what another index lists.
func (e *Exploits) Add(o Exploits) {
	e.Metasploit = appendNew(e.Metasploit, o.Metasploit)
	e.ExploitDB = appendNew(e.ExploitDB, o.ExploitDB)
	e.Nuclei = appendNew(e.Nuclei, o.Nuclei)
	e.KEV = e.KEV || o.KEV
	if e.SSVC != "active" && o.SSVC != "" {
		e.SSVC = o.SSVC
	}
	if o.Last.After(e.Last) {
		e.Last = o.Last
	}
}

func appendNew(list, more []string) []string {
	for _, s := range more {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

// Product is the support life of a product's release cycles.
type Product struct {
	Name, Title, Category string
	Cycles                []Cycle
}

// Cycle is one release cycle. EOL is the day support ends, zero where it is
// not known; Ended is the publisher's plain yes where it gives no day.
type Cycle struct {
	Name, Codename, Latest string
	Released, EOL          time.Time
	// Extended is the day on which the support ends that goes on after EOL:
	// Debian's LTS, Ubuntu's Pro; zero where there is none.
	Extended time.Time `json:",omitzero"`
	Ended    bool
}
