package extract

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"muster/internal/extract/apk"
	"muster/internal/extract/dpkg"
	"muster/internal/extract/program"
	"muster/internal/extract/rpm"
	"muster/internal/inventory"
)

// assignOwners finds which operating-system package brought each file that
// proves a language package. The distribution's advisories judge what its own
// packages bring (feeds specification 7.1 rule 2); what other publishers'
// packages bring is judged as what it is, since nobody else does.
func assignOwners(fsys fs.FS, system inventory.OS, packages []inventory.Item, found []finding) error {
	if len(packages) == 0 || len(found) == 0 {
		return nil
	}
	wanted := map[string]bool{}
	for _, f := range found {
		wanted[f.file] = true
	}
	foreign := map[string]bool{}
	for _, p := range packages {
		if p.Role == inventory.RoleThirdParty {
			foreign[p.Name] = true
		}
	}
	var failed []error
	for _, owners := range []func(fs.FS, map[string]bool) (map[string]string, error){dpkg.Owners, apk.Owners, rpm.Owners} {
		owned, err := owners(fsys, wanted)
		if err != nil {
			failed = append(failed, fmt.Errorf("owners of files: %w", err))
		}
		for i := range found {
			owner, ok := owned[found[i].file]
			if !ok {
				continue
			}
			found[i].ownedBy = owner
			if judges(system, found[i].Component) && !foreign[owner] {
				found[i].role = inventory.RoleOwned
			}
		}
	}
	return errors.Join(failed...)
}

// judges reports whether the distribution's advisories cover what its packages
// bring: programs wherever it has advisories, languages' packages not always.
func judges(system inventory.OS, c inventory.Component) bool {
	return judgesLanguages(system) || system.Ecosystem != "" && program.Is(c)
}

// judgesLanguages reports whether the distribution's advisories cover the
// language packages that its packages contain. Wolfi and its kin publish for
// the bundled modules only in part, and systems without advisories judge
// nothing.
func judgesLanguages(system inventory.OS) bool {
	switch system.Ecosystem {
	case "", "Wolfi", "Chainguard", "MinimOS":
		return false
	}
	return true
}

// Owners says which operating-system package owns each of the files, which are
// named from the root on. Files that none owns are left out.
func Owners(fsys fs.FS, files []string) (map[string]string, error) {
	wanted := map[string]bool{}
	for _, f := range files {
		wanted[strings.TrimPrefix(f, "/")] = true
	}
	owners := map[string]string{}
	if len(wanted) == 0 {
		return owners, nil
	}
	var failed []error
	for _, of := range []func(fs.FS, map[string]bool) (map[string]string, error){dpkg.Owners, apk.Owners, rpm.Owners} {
		owned, err := of(fsys, wanted)
		if err != nil {
			failed = append(failed, fmt.Errorf("owners of files: %w", err))
		}
		for name, owner := range owned {
			owners["/"+name] = owner
		}
	}
	return owners, errors.Join(failed...)
}
