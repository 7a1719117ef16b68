package advisory

import "time"

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
}

// ExploitKnown reports whether any source says that an exploit exists
// (scanning specification 4.5).
func (i *Intel) ExploitKnown() bool {
	return i.KEV != nil || i.Exploits.known() || i.SSVC.Exploitation == "poc" || i.SSVC.Exploitation == "active"
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
	Metasploit []string
	KEV        bool
	// SSVC is "poc" or "active".
	SSVC string
}

func (e Exploits) known() bool { return len(e.Metasploit) > 0 || e.KEV || e.SSVC != "" }

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
	Ended                  bool
}
