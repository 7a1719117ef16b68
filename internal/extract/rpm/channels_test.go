package rpm

import (
	"testing"
	"testing/fstest"

	"muster/internal/inventory"
)

func TestEcosystemByRepositories(t *testing.T) {
	system := inventory.OS{ID: "rhel", VersionID: "9.2", Ecosystem: "Red Hat:enterprise_linux:9::baseos"}
	main := system.Ecosystem
	repo := func(label, enabled string) string { return "[" + label + "]\nname = x\nenabled = " + enabled + "\n" }
	for name, c := range map[string]struct{ file, text, want string }{
		"none":             {"etc/hostname", "x", main},
		"main":             {repositories, repo("rhel-9-for-x86_64-baseos-rpms", "1"), main},
		"switched off":     {repositories, repo("rhel-9-for-x86_64-baseos-eus-rpms", "0"), main},
		"extended":         {repositories, repo("rhel-9-for-x86_64-baseos-rpms", "1") + repo("rhel-9-for-x86_64-baseos-eus-rpms", "1"), "Red Hat:rhel_eus:9.2::baseos"},
		"for SAP":          {repositories, repo("rhel-9-for-x86_64-baseos-e4s-rpms", "1"), "Red Hat:rhel_e4s:9.2::baseos"},
		"extended life":    {repositories, repo("rhel-9-server-els-rpms", "1"), "Red Hat:rhel_els:9"},
		"image":            {manifests + "/ubi.json", `{"content_sets":["rhel-9-for-x86_64-appstream-eus-rpms__9_DOT_2"]}`, "Red Hat:rhel_eus:9.2::baseos"},
		"odd manifest":     {manifests + "/ubi.json", `[1]`, main},
		"another manifest": {manifests + "/ubi.txt", `{"content_sets":["a-eus-b"]}`, main},
	} {
		if got := Ecosystem(fstest.MapFS{c.file: {Data: []byte(c.text)}}, system); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	other := inventory.OS{ID: "almalinux", VersionID: "9.2", Ecosystem: "AlmaLinux:9"}
	if got := Ecosystem(fstest.MapFS{repositories: {Data: []byte(repo("a-eus-b", "1"))}}, other); got != other.Ecosystem {
		t.Errorf("another distribution: %q", got)
	}
	if !IsChannel(repositories) || !IsChannel(manifests+"/a.json") || IsChannel(manifests+"/b/a.json") || IsChannel("etc/yum.repos.d/epel.repo") {
		t.Error("IsChannel")
	}
}
