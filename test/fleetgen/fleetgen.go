// Package fleetgen makes fleets as they really are, of any size and always the
// same for the same numbers: few accounts with most of the machines, few
// packages that everybody has and many that hardly anybody has, and machines
// that share what is installed on them. Load puts one into a store with all
// its findings, far quicker than the machines could report them; what it
// stores is what scanning them would have stored.
package fleetgen

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"muster/internal/arn"
	"muster/internal/inventory"
)

// Shape is how large a fleet is.
type Shape struct {
	Accounts, Resources, Inventories int
	// Packages is how many each inventory has.
	Packages int
	// Affected is how many resources carry the package that Special is about;
	// the number is met as closely as whole inventories allow.
	Affected int
	// OneIn is which part of the packages has an advisory: one in so many.
	OneIn int
	Seed  uint64
}

// Usual is the shape that the project's figures are for: 500 packages, some
// ten findings on every machine, fifty machines per inventory.
func Usual(resources int) Shape {
	return Shape{
		Accounts: max(10, min(10_000, resources/100)), Resources: resources, Inventories: max(20, resources/50), Packages: 500,
		Affected: min(1000, resources/10), OneIn: 27, Seed: 1,
	}
}

// Region is where everything is.
const Region arn.Region = "us-east-1"

// The accounts that are no members.
const (
	Management arn.AccountID = "100000000001"
	Audit      arn.AccountID = "100000000002"
)

// Member is the id of the nth member account.
func Member(n int) arn.AccountID { return arn.AccountID(fmt.Sprintf("%012d", 200_000_000_000+n)) }

// Resource is one machine.
type Resource struct {
	Account   arn.AccountID
	ID        string
	AMI       string
	Inventory int
}

// random is the chance of one thing of the fleet.
func (s Shape) random(kind, n int) *rand.Rand {
	return rand.New(rand.NewPCG(s.Seed+uint64(kind)<<56, uint64(n)))
}

const (
	ofResource = iota + 1
	ofInventory
	ofPackage
)

// skewed draws a number below n, small ones far more often: the first tenth
// takes nearly half.
func skewed(r *rand.Rand, n int) int {
	x := r.Float64()
	return min(n-1, int(float64(n)*x*x*x))
}

// owner is the account of a resource. Accounts own runs of resources, the first
// ones long runs.
func (s Shape) owner(n int) int {
	// A share of x of the resources belongs to the first x² of the accounts.
	x := float64(n) / float64(s.Resources)
	return min(s.Accounts-1, int(x*x*float64(s.Accounts)))
}

// Resource tells the nth resource. Every inventory is somebody's.
func (s Shape) Resource(n int) Resource {
	r := s.random(ofResource, n)
	inv := skewed(r, s.Inventories)
	if each := s.Resources / s.Inventories; n%each == 0 && n/each < s.Inventories {
		inv = n / each
	}
	return Resource{
		Account: Member(s.owner(n)), ID: fmt.Sprintf("i-%017x", 0x1000000+n), AMI: fmt.Sprintf("ami-%017x", inv%max(1, s.Inventories/8)), Inventory: inv,
	}
}

// affected are the inventories with the special package: those of the least
// popular that add up to the wanted number of resources.
func (s Shape) affected() map[int]bool {
	users := make([]int, s.Inventories)
	for n := range s.Resources {
		users[s.Resource(n).Inventory]++
	}
	chosen, sum := map[int]bool{}, 0
	for inv := s.Inventories - 1; inv >= 0 && sum < s.Affected; inv-- {
		if sum+users[inv] <= s.Affected {
			chosen[inv] = true
			sum += users[inv]
		}
	}
	return chosen
}

// family is a distribution release.
type family struct{ os inventory.OS }

func families() []family {
	of := func(id, version, codename, pretty string) family {
		return family{inventory.OS{ID: id, VersionID: version, Codename: codename, PrettyName: pretty, Arch: "X86_64",
			Ecosystem: "Debian:" + version, Platform: "DEBIAN_" + version}}
	}
	return []family{
		of("debian", "12", "bookworm", "Debian GNU/Linux 12 (bookworm)"), of("debian", "11", "bullseye", "Debian GNU/Linux 11 (bullseye)"),
		of("debian", "13", "trixie", "Debian GNU/Linux 13 (trixie)"),
	}
}

const (
	// names is how many packages there are, common how many of them nearly
	// every machine has.
	names, common = 20_000, 300
	// versions is how many versions a package has had.
	versions = 6
)

// specialPackage is what a changed advisory is about.
const specialPackage = "special-library"

// Inventory tells what the nth inventory holds. with says that the special
// package is among it.
func (s Shape) Inventory(n int, with bool) *inventory.Inventory {
	r := s.random(ofInventory, n)
	all := families()
	of := all[skewed(r, len(all))]
	inv := &inventory.Inventory{OS: of.os}
	level := r.IntN(versions)
	seen := map[int]bool{}
	for len(seen) < s.Packages {
		pkg := len(seen)
		if pkg >= min(common, s.Packages/2) {
			pkg = skewed(r, names)
		}
		if seen[pkg] {
			continue
		}
		seen[pkg] = true
		version := level
		if pkg >= common {
			version = versions - 1 - skewed(r, versions)
		}
		inv.Items = append(inv.Items, s.item(of, pkg, version))
	}
	// What tells inventories of the same draw apart.
	inv.Items = append(inv.Items, s.item(of, names+n, 0))
	if with {
		inv.Items = append(inv.Items, npm(specialPackage, "1.0.0"))
	}
	inv.Sort()
	inv.Items = slices.CompactFunc(inv.Items, func(a, b inventory.Item) bool { return a == b })
	return inv
}

// item is a package: most are the distribution's, one in eight is npm's.
func (s Shape) item(of family, pkg, version int) inventory.Item {
	name := fmt.Sprintf("package-%05d", pkg)
	if ofNPM(pkg) {
		return npm(name, fmt.Sprintf("1.%d.0", version))
	}
	v := fmt.Sprintf("1.%d-1", version)
	return inventory.Item{Component: inventory.Component{Ecosystem: of.os.Ecosystem, Name: name, Version: v, Arch: "amd64", Source: name, SourceVersion: v,
		Manager: inventory.ManagerOS}}
}

func npm(name, version string) inventory.Item {
	return inventory.Item{
		Component: inventory.Component{Ecosystem: "npm", Name: name, Version: version, Manager: inventory.ManagerNPM},
		Path:      "srv/app/node_modules/" + name + "/package.json",
	}
}
