package rpm

import (
	"testing"
	"testing/fstest"

	"muster/internal/inventory"
)

func TestTopicsOfTheExtras(t *testing.T) {
	fsys := fstest.MapFS{
		yumdb + "/d/0a1b-docker-20.10.25-1.amzn2.0.4-x86_64/from_repo": {Data: []byte("amzn2extra-docker")},
		yumdb + "/b/ffff-bash-4.2.46-34.amzn2-x86_64/from_repo":        {Data: []byte("amzn2-core\n")},
		yumdb + "/b/ffff-bash-4.2.46-34.amzn2-x86_64/reason":           {Data: []byte("amzn2extra-docker")},
		yumdb + "/n/1234-nginx-1.22.1-1.amzn2.0.1-x86_64/from_repo":    {Data: []byte("amzn2extra-nginx1\n")},
	}
	item := func(name, version string) inventory.Item {
		return inventory.Item{Component: inventory.Component{Ecosystem: "Amazon Linux:2", Name: name, Version: version, Arch: "x86_64"}}
	}
	items := []inventory.Item{item("docker", "20.10.25-1.amzn2.0.4"), item("bash", "4.2.46-34.amzn2"), item("nginx", "1:1.22.1-1.amzn2.0.1"), item("docker", "19.0-1.amzn2")}
	addTopics(fsys, inventory.OS{Ecosystem: "Amazon Linux:2"}, items)
	for i, want := range []string{"amzn2extra:docker", "", "amzn2extra:nginx1", ""} {
		if items[i].Module != want {
			t.Errorf("%s %s: %q, want %q", items[i].Name, items[i].Version, items[i].Module, want)
		}
	}
	others := []inventory.Item{item("docker", "20.10.25-1.amzn2.0.4")}
	addTopics(fsys, inventory.OS{Ecosystem: "Amazon Linux:2023"}, others)
	if others[0].Module != "" {
		t.Error("another release has topics")
	}
	for name := range fsys {
		if want := name[len(name)-6:] != "reason"; IsChannel(name) != want {
			t.Errorf("%s is read: %v", name, !want)
		}
	}
}
