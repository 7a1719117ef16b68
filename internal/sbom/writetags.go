package sbom

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// WriteSPDXTags writes the tag-value form of SPDX 2.3, with the content of
// WriteSPDX.
func WriteSPDXTags(w io.Writer, d *Document) error {
	doc := spdxOf(d)
	out := bufio.NewWriter(w)
	tag := func(name, value string) { fmt.Fprintf(out, "%s: %s\n", name, oneLine(value)) }
	tag("SPDXVersion", doc.Version)
	tag("DataLicense", doc.License)
	tag("SPDXID", doc.ID)
	tag("DocumentName", doc.Name)
	tag("DocumentNamespace", doc.Namespace)
	for _, creator := range doc.Creation.Creators {
		tag("Creator", creator)
	}
	tag("Created", doc.Creation.Created)
	for i := range doc.Packages {
		p := &doc.Packages[i]
		fmt.Fprintln(out)
		tag("PackageName", p.Name)
		tag("SPDXID", p.ID)
		if p.Version != "" {
			tag("PackageVersion", p.Version)
		}
		if p.Purpose != "" {
			tag("PrimaryPackagePurpose", strings.ReplaceAll(p.Purpose, "_", "-"))
		}
		tag("PackageDownloadLocation", p.Location)
		tag("FilesAnalyzed", "false")
		tag("PackageLicenseConcluded", p.Concluded)
		tag("PackageLicenseDeclared", p.Declared)
		tag("PackageCopyrightText", p.Copyright)
		for _, r := range p.Refs {
			tag("ExternalRef", r.Category+" "+r.Type+" "+r.Locator)
		}
		for _, a := range p.Annotations {
			tag("Annotator", a.Annotator)
			tag("AnnotationDate", a.Date)
			tag("AnnotationType", a.Type)
			tag("SPDXREF", p.ID)
			tag("AnnotationComment", "<text>"+a.Comment+"</text>")
		}
	}
	fmt.Fprintln(out)
	for _, r := range doc.Relations {
		tag("Relationship", r.Element+" "+r.Type+" "+r.Related)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write SBOM: %w", err)
	}
	return nil
}

// oneLine keeps foreign words from beginning a tag of their own.
func oneLine(s string) string { return strings.NewReplacer("\n", " ", "\r", " ").Replace(s) }
