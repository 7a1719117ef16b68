package agent

import (
	"slices"

	"muster/internal/agentwire"
)

// deepInspectionFile is what the server last wanted of deep inspection, so that
// the first look after a restart is already the right one.
const deepInspectionFile = "deepinspection.json"

// deepInspection is what the server last wanted. Before it has said anything,
// and where that cannot be read, the default folders are looked at.
func (s *state) deepInspection() agentwire.DeepInspection {
	var d agentwire.DeepInspection
	if err := s.read(deepInspectionFile, &d); err != nil {
		return agentwire.DeepInspection{Active: true}
	}
	return agentwire.NewDeepInspection(d.Active, d.Paths...)
}

// heed takes what the server wants; nil is of servers that know nothing of deep
// inspection. It reports whether that is other than what was looked at.
func (a *Agent) heed(wanted *agentwire.DeepInspection) (changed bool) {
	if wanted == nil {
		return false
	}
	d := agentwire.NewDeepInspection(wanted.Active, wanted.Paths...)
	if d.Equal(a.wanted) {
		return false
	}
	a.wanted = d
	if err := a.state.write(deepInspectionFile, d); err != nil {
		// It is looked at all the same; after a restart the server says so again.
		a.cfg.Log.Warn("remember deep inspection", "error", err)
	}
	a.cfg.Log.Info("deep inspection", "active", d.Active, "paths", d.Paths)
	return true
}

// paths are the folders to look below besides the default ones: those of the
// account and its organization, and those that the machine itself names.
func (a *Agent) paths() []string { return slices.Concat(a.wanted.Paths, a.cfg.Paths) }
