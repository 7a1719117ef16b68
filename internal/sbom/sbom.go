// Package sbom reads and writes lists of components: CycloneDX (JSON and XML,
// 1.2 to 1.6) and SPDX (JSON and tag-value, 2.2 and 2.3). Any producer's must
// work: the package URL says what a component is, the operating-system
// component or the "distro" qualifier which release's, and the properties that
// muster, syft, trivy and Amazon Inspector's generator write say the rest
// (findings specification 10.3). What muster writes it reads back without
// loss.
package sbom

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"muster/internal/inventory"
)

// Bounds of a document.
const (
	MaxFile       = 256 << 20
	maxComponents = 250_000
	maxNesting    = 64
	// maxNested bounds components within components, counted at each level.
	maxNested = 2 * MaxFile
)

// ErrFormat says that a document is not an SBOM that muster reads; the
// wrapping error says why.
var ErrFormat = errors.New("not an SBOM")

func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrFormat}, args...)...)
}

// Looks reports whether a file that begins so may be an SBOM. It says no to
// what Read would certainly refuse.
func Looks(start []byte) bool { return formatOf(start) != nil }

// Read reads a document of about size bytes (only to allocate; it is not
// trusted) and makes an inventory of it. What cannot be judged because it has
// no package URL is counted in the notes.
func Read(r io.Reader, size int64) (inventory.Inventory, error) {
	var buf bytes.Buffer
	if size > 0 && size < MaxFile {
		buf.Grow(int(size) + bytes.MinRead)
	}
	if _, err := buf.ReadFrom(r); err != nil {
		return inventory.Inventory{}, err
	}
	doc, err := parse(buf.Bytes())
	if err != nil {
		return inventory.Inventory{}, err
	}
	return doc.inventory(nil), nil
}

// parse reads a document of any format.
func parse(data []byte) (document, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if len(bytes.TrimSpace(data)) == 0 {
		return document{}, refuse("the file is empty")
	}
	read := formatOf(data)
	if read == nil {
		return document{}, refuse("neither CycloneDX (JSON, XML) nor SPDX (JSON, tag-value)")
	}
	doc, err := read(data)
	if err != nil && !errors.Is(err, ErrFormat) {
		err = refuse("%v", err)
	}
	return doc, err
}

// formatOf recognises a document by how it begins.
func formatOf(start []byte) func([]byte) (document, error) {
	start = bytes.TrimSpace(bytes.TrimPrefix(start, []byte("\ufeff")))
	head := string(start[:min(len(start), 64<<10)])
	switch {
	case strings.HasPrefix(head, "{") && strings.Contains(head, `"spdxVersion"`):
		return readSPDX
	case strings.HasPrefix(head, "{") && (strings.Contains(head, `"bomFormat"`) || strings.Contains(head, `"specVersion"`)):
		return readCycloneDX
	case strings.HasPrefix(head, "{") && len(start) > len(head):
		return readAnyJSON(start)
	case strings.HasPrefix(head, "<") && strings.Contains(head, "cyclonedx.org/schema/bom"):
		return readCycloneDXXML
	case strings.Contains(head, "SPDXVersion:"):
		return readTagValue
	}
	return nil
}

// readAnyJSON looks further: members may come in any order.
func readAnyJSON(data []byte) func([]byte) (document, error) {
	switch {
	case bytes.Contains(data, []byte(`"spdxVersion"`)):
		return readSPDX
	case bytes.Contains(data, []byte(`"bomFormat"`)):
		return readCycloneDX
	}
	return nil
}

// document is what the formats have in common.
type document struct {
	// container: the document is about a container image, in which no kernel
	// of its own runs.
	container bool
	// kernel is the running kernel's release where the document says it.
	kernel     string
	systems    []system
	components []component
	subject    Subject
	// nested is how many bytes of lists were read.
	nested int64
}

// system is an operating-system component.
type system struct {
	name, version string
	properties    map[string]string
}

// component is one listed package.
type component struct {
	ref, purl, name, version string
	// publisher is whom the producer names as the maintainer or vendor.
	publisher string
	// parent is the index of the component it is nested in, -1 for none.
	parent     int
	properties map[string]string
}
