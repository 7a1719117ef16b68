package lockfile

import (
	"fmt"
	"regexp"

	"muster/internal/inventory"
)

// rebarPackage is a package from Hex in rebar3's lock file, an Erlang term:
// {<<"cowboy">>,{pkg,<<"cowboy">>,<<"2.9.0">>},0}.
var rebarPackage = regexp.MustCompile(`\{\s*pkg\s*,\s*<<"([^"]+)">>\s*,\s*<<"([^"]+)">>`)

func readRebar(data []byte, list *listing) error {
	found := rebarPackage.FindAllSubmatch(data, maxPackages+1)
	if len(found) > maxPackages {
		return fmt.Errorf("%d packages, at most %d", len(found), maxPackages)
	}
	for _, m := range found {
		if err := list.add(inventory.Component{Ecosystem: "Hex", Name: string(m[1]), Version: string(m[2])}, false); err != nil {
			return err
		}
	}
	return nil
}
