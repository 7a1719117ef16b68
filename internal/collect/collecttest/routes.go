package collecttest

import (
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
)

var destination = regexp.MustCompile(`<destinationCidrBlock>([^<]*)<`)

// search filters routes of a transit gateway as SearchTransitGatewayRoutes
// does; filters that it does not know find nothing.
func search(rows []string, params url.Values) []string {
	for n := 1; ; n++ {
		name := params.Get("Filter." + strconv.Itoa(n) + ".Name")
		if name == "" {
			return rows
		}
		value := params.Get("Filter." + strconv.Itoa(n) + ".Value.1")
		rows = slices.DeleteFunc(slices.Clone(rows), func(row string) bool { return !fits(row, name, value) })
	}
}

func fits(row, name, value string) bool {
	if name == "state" {
		return true
	}
	to, err := netip.ParsePrefix(destination.FindStringSubmatch(row)[1])
	if err != nil {
		panic(err)
	}
	want, err := netip.ParsePrefix(value)
	switch {
	case err != nil:
		return false
	case name == "route-search.exact-match":
		return to == want
	case name == "route-search.subnet-of-match":
		return want.Bits() <= to.Bits() && want.Contains(to.Addr())
	}
	return false
}
