// Package matrix holds every operation of Inspector and Organizations, by every
// kind of caller in every relationship to its organization, under every kind of
// policy, against the specification's own tables, read and applied by code that
// shares nothing with the product.
package matrix

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// place is where the caller's account stands in its organization and Region,
// as the test has put it there.
type place struct {
	management, administrator, member, solo bool
	// delegated accounts are registered for some service in Organizations.
	delegated bool
}

// table is a table of the specification: cells by operation and column.
type table map[string]rowOf

// rowOf is the cells of an operation by column.
type rowOf map[string]string

var notes = regexp.MustCompile(`\[[A-Z]\]|\(4\.\d\)|\([a-z ]*agent\)|\(` + "`SELF`" + `\)`)

// readTable reads a table in the specification's layout.
func readTable(t *testing.T, file string) table {
	t.Helper()
	body, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	out := table{}
	var columns []string
	for _, line := range strings.Split(strings.TrimSpace(string(body)), "\n") {
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(notes.ReplaceAllString(cells[i], ""))
		}
		switch {
		case columns == nil:
			columns = cells
		case strings.HasPrefix(cells[0], "---"):
		default:
			for _, op := range strings.Split(cells[0], ",") {
				row := rowOf{}
				for i, c := range columns {
					row[c] = cells[i]
				}
				out[strings.TrimSpace(op)] = row
			}
		}
	}
	return out
}

// row finds an operation, or the rule for what the table does not name.
func (tb table) row(op string) rowOf {
	if r, ok := tb[op]; ok {
		return r
	}
	for _, prefix := range []string{"List", "Describe", ""} {
		if r, ok := tb[strings.TrimSpace("every other "+prefix)]; ok && strings.HasPrefix(op, prefix) {
			return r
		}
	}
	return nil
}

// answer is what a table says: "yes", "denied", "invalid" or "not in use".
type answer string

const (
	yes      answer = "yes"
	denied   answer = "denied"
	invalid  answer = "invalid"
	notInUse answer = "not in use"
)

// read is what a cell says by itself.
func read(cell string) answer {
	switch {
	case strings.HasPrefix(cell, "–"):
		return denied
	case cell == "V":
		return invalid
	}
	return yes
}

// inspector says what section 3.4 says. The clause is the part of a cell that
// a particular request is about, such as "SUPPRESS writes", or empty.
func (tb table) inspector(op string, p place, clause string) answer {
	row := tb.row(op)
	switch {
	case row == nil:
		return denied
	case p.administrator:
		if p.management && row["DA"] == "– (yes if MGMT)" {
			return yes
		}
		return read(row["DA"])
	case p.management:
		return row.management(p, clause)
	case p.member:
		return clausal(row["MEM"], clause)
	}
	return unassociated(row["SOLO/ORG"], p, clause)
}

// management is a management account that is not the administrator. It may be
// a member, which takes from what it may do for itself, not from what it may do
// for the organization.
func (row rowOf) management(p place, clause string) answer {
	cell := row["MGMT"]
	got := clausal(cell, clause)
	if !p.member || got != yes || cell == "yes" {
		return got
	}
	if strings.Contains(cell, "unless MEM") {
		return denied
	}
	return clausal(row["MEM"], clause)
}

func unassociated(cell string, p place, clause string) answer {
	if org, solo, both := strings.Cut(cell, ", SOLO "); both {
		if p.solo {
			return read(solo)
		}
		return read(strings.TrimPrefix(org, "ORG "))
	}
	return clausal(cell, clause)
}

// clausal reads a cell with the requests in mind that it says more about. What
// a cell permits beyond the own account, only the column that says so may do.
func clausal(cell, clause string) answer {
	switch got := read(cell); {
	case got != yes || clause == "":
		return got
	case strings.Contains(cell, clause+" –"), strings.Contains(cell, "cannot "+clause):
		return denied
	case strings.HasSuffix(clause, "allowed") && !strings.Contains(cell, clause):
		return denied
	}
	return yes
}

// organizations says what section 6.5 says.
func (tb table) organizations(op string, p place) answer {
	row := tb.row(op)
	column := "member"
	switch {
	case p.solo:
		column = "SOLO"
	case p.management:
		column = "MGMT"
	case p.delegated:
		column = "delegated admin"
	}
	got := read(row[column])
	if got == denied && p.solo {
		return notInUse
	}
	return got
}

// statement is a line of a policy: it allows or denies actions, written with an
// asterisk at the end at most.
type statement struct {
	deny   bool
	action string
}

func (s statement) matches(action string) bool {
	s.action, action = strings.ToLower(s.action), strings.ToLower(action)
	if prefix, ok := strings.CutSuffix(s.action, "*"); ok {
		return strings.HasPrefix(action, prefix)
	}
	return s.action == action
}

// layers are all policies that bear on a caller: any denial wins, and each
// layer has to allow.
type layers [][]statement

func (l layers) allow(action string) bool {
	for _, layer := range l {
		allowed := false
		for _, s := range layer {
			if s.deny && s.matches(action) {
				return false
			}
			allowed = allowed || !s.deny && s.matches(action)
		}
		if !allowed {
			return false
		}
	}
	return true
}

// document writes a layer as a policy.
func document(layer []statement) string {
	var lines []string
	for _, s := range layer {
		effect := "Allow"
		if s.deny {
			effect = "Deny"
		}
		lines = append(lines, `{"Effect":"`+effect+`","Action":"`+s.action+`","Resource":"*"}`)
	}
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(lines, ",") + `]}`
}
