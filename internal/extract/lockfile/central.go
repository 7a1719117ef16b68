package lockfile

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"golang.org/x/net/html/charset"

	"muster/internal/extract/bounded"
	"muster/internal/inventory"
)

// readCentral reads the file in which a solution keeps the versions of its
// packages, Directory.Packages.props. Properties are not expanded.
func readCentral(data []byte, list *listing) error {
	raw := xml.NewDecoder(bytes.NewReader(data))
	raw.CharsetReader = charset.NewReaderLabel
	d := bounded.XML(raw)
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		switch start.Name.Local {
		case "PackageVersion", "PackageReference", "GlobalPackageReference":
			if err := list.add(centralPackage(start.Attr), false); err != nil {
				return err
			}
		}
	}
}

func centralPackage(attributes []xml.Attr) inventory.Component {
	c := inventory.Component{Ecosystem: "NuGet", Manager: inventory.ManagerNuGet}
	for _, a := range attributes {
		switch a.Name.Local {
		case "Include", "Update":
			c.Name = strings.TrimSpace(a.Value)
		case "Version":
			c.Version = lowest(strings.TrimSpace(a.Value))
		}
	}
	if strings.Contains(c.Name, "$(") {
		c.Name = ""
	}
	return c
}
