package extract

import (
	"encoding/json"
	"io/fs"

	"muster/internal/extract/bounded"
)

// proStatus is where Ubuntu's client keeps what it knows of the subscription.
const proStatus = "var/lib/ubuntu-advantage/status.json"

// maxProStatus bounds the file, in bytes; real ones have some ten thousand.
const maxProStatus = 4 << 20

// attachedToPro reports whether the system is attached to Ubuntu Pro and one
// of its channels of packages is switched on. A file that is absent or cannot
// be read says nothing.
func attachedToPro(fsys fs.FS) bool {
	data, err := bounded.ReadFile(fsys, proStatus, maxProStatus)
	if err != nil {
		return false
	}
	var status struct {
		Attached bool `json:"attached"`
		Services []struct {
			Name   string `json:"name"`
			Status string `json:"status"`
		} `json:"services"`
	}
	if json.Unmarshal(data, &status) != nil || !status.Attached {
		return false
	}
	for _, s := range status.Services {
		if s.Status == "enabled" && (s.Name == "esm-infra" || s.Name == "esm-apps") {
			return true
		}
	}
	return false
}
