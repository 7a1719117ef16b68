package lockfile

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"deps.dev/util/maven"
	"golang.org/x/net/html/charset"

	"muster/internal/extract/bounded"
	"muster/internal/inventory"
)

// maxParents bounds the chain of parent poms.
const maxParents = 20

// readPOM returns the dependencies of a Maven project whose versions are
// decided: in the pom itself, or in the parents that lie beside it. All scopes
// count (scanning specification 3.3); those of tests are marked.
//
// scalibr's own reader expands properties before it has read the parents, and
// loses every dependency whose version a parent defines.
func readPOM(ctx context.Context, fsys fs.FS, name string) (list []inventory.Component, development marks, err error) {
	project, err := decodePOM(fsys, name)
	if err != nil {
		return nil, nil, err
	}
	if err := mergeParents(ctx, fsys, name, project); err != nil {
		return nil, nil, err
	}
	if err := project.Interpolate(); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	// Imported dependency management lies in registries: not at hand.
	project.ProcessDependencies(func(_, _, _ maven.String) (maven.DependencyManagement, error) {
		return maven.DependencyManagement{}, nil
	})
	development = marks{}
	for _, d := range project.Dependencies {
		if version := decidedVersion(string(d.Version)); version != "" && d.GroupID != "" && d.ArtifactID != "" {
			c := inventory.Component{Ecosystem: "Maven", Name: d.Name(), Version: version, Manager: inventory.ManagerPOM}
			list = append(list, c)
			development.note(c, strings.TrimSpace(string(d.Scope)) == "test")
		}
	}
	return list, development, nil
}

func decodePOM(fsys fs.FS, name string) (project *maven.Project, err error) {
	f, _, err := bounded.Open(fsys, name, maxFile)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	d := xml.NewDecoder(bounded.Reader(f, maxFile))
	d.Entity = xml.HTMLEntity
	d.CharsetReader = func(label string, input io.Reader) (io.Reader, error) { return charset.NewReaderLabel(label, input) }
	project = &maven.Project{}
	if err := bounded.XML(d).Decode(project); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return project, nil
}

// mergeParents follows the parents as far as they lie in the file system and
// are who the child says they are.
func mergeParents(ctx context.Context, fsys fs.FS, name string, project *maven.Project) error {
	parent := project.Parent
	for range maxParents {
		if err := ctx.Err(); err != nil {
			return err
		}
		if parent.ArtifactID == "" {
			break
		}
		name = parentPath(fsys, name, string(parent.RelativePath))
		if name == "" {
			break
		}
		found, err := decodePOM(fsys, name)
		if err != nil {
			return fmt.Errorf("parent pom: %w", err)
		}
		if found.ArtifactID != parent.ArtifactID || inherited(found.Version, found.Parent.Version) != parent.Version {
			break
		}
		if err := project.MergeProfiles("", maven.ActivationOS{}); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		project.MergeParent(*found)
		parent = found.Parent
	}
	return nil
}

func inherited(own, parents maven.String) maven.String {
	if own == "" {
		return parents
	}
	return own
}

// parentPath is where Maven looks for a parent beside its child, "" when
// nothing is there.
func parentPath(fsys fs.FS, name, relative string) string {
	if relative == "" {
		relative = "../pom.xml"
	}
	p := path.Join(path.Dir(name), strings.ReplaceAll(relative, `\`, "/"))
	if !fs.ValidPath(p) {
		return ""
	}
	info, err := fs.Stat(fsys, p)
	if err == nil && info.IsDir() {
		p = path.Join(p, "pom.xml")
		info, err = fs.Stat(fsys, p)
	}
	if err != nil || !info.Mode().IsRegular() {
		return ""
	}
	return p
}

// decidedVersion accepts a plain version and the range of exactly one.
func decidedVersion(version string) string {
	version = strings.TrimSpace(version)
	if exact, ok := strings.CutPrefix(version, "["); ok && strings.HasSuffix(exact, "]") {
		version = strings.TrimSuffix(exact, "]")
	}
	if strings.ContainsAny(version, "[](),${}") {
		return ""
	}
	return version
}
