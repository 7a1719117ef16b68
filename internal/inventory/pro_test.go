package inventory_test

import (
	"testing"

	"muster/internal/inventory"
)

func TestPro(t *testing.T) {
	item := func(ecosystem, version string, manager inventory.Manager) inventory.Item {
		return inventory.Item{Component: inventory.Component{Ecosystem: ecosystem, Name: "a", Version: version, Manager: manager}}
	}
	inv := inventory.Inventory{OS: inventory.OS{Ecosystem: "Ubuntu:22.04:LTS"}, Items: []inventory.Item{
		item("Ubuntu:22.04:LTS", "1.0", inventory.ManagerOS), item("npm", "1.0-esm", inventory.ManagerNodePkg), item("Debian:12", "1esm", inventory.ManagerOS),
	}}
	if inv.ShowsPro() {
		t.Error("nothing here came from Pro")
	}
	inv.Items = append(inv.Items, item("Ubuntu:22.04:LTS", "1.0+esm1", inventory.ManagerOS))
	if !inv.ShowsPro() {
		t.Error("1.0+esm1 came from Pro")
	}
	for range 2 {
		inv.AttachPro()
		for i, want := range []string{"Ubuntu:Pro:22.04:LTS", "npm", "Debian:12", "Ubuntu:Pro:22.04:LTS"} {
			if got := inv.Items[i].Ecosystem; got != want {
				t.Errorf("%d: %s, want %s", i, got, want)
			}
		}
	}
	if inv.OS.Ecosystem != "Ubuntu:Pro:22.04:LTS" || inv.Items[0].WithoutPro().Ecosystem != "Ubuntu:22.04:LTS" || inv.Items[1].WithoutPro().Ecosystem != "npm" {
		t.Errorf("%+v", inv)
	}
}
