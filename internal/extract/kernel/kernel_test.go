package kernel

import (
	"testing"

	"muster/internal/inventory"
)

func TestRoles(t *testing.T) {
	const headers, idle = inventory.RoleKernelHeaders, inventory.RoleKernelIdle
	debian := Running{Release: "6.1.0-18-amd64"}
	alma := Running{Release: "5.14.0-362.8.1.el9_3.x86_64"}
	suse := Running{Release: "5.14.21-150500.55.83-default"}
	alpine := Running{Release: "6.6.30-0-lts"}
	rpm := func(r Running, name, version, release string) inventory.Role {
		return r.RPM(name, version, release, "x86_64")
	}
	tests := []struct {
		what      string
		got, want inventory.Role
	}{
		{"the running image", debian.Dpkg("linux-image-6.1.0-18-amd64"), ""},
		{"the running image, unsigned", debian.Dpkg("linux-image-6.1.0-18-amd64-unsigned"), ""},
		{"Ubuntu's unsigned image", Running{Release: "6.8.0-45-generic"}.Dpkg("linux-image-unsigned-6.8.0-45-generic"), ""},
		{"modules of the running image", Running{Release: "6.8.0-45-generic"}.Dpkg("linux-modules-extra-6.8.0-45-generic"), ""},
		{"another image", debian.Dpkg("linux-image-6.1.0-17-amd64"), idle},
		{"the package that names the newest image", debian.Dpkg("linux-image-amd64"), idle},
		{"an image where the running kernel is unknown", Running{}.Dpkg("linux-image-6.1.0-17-amd64"), ""},
		{"an image in a container", Running{None: true}.Dpkg("linux-image-6.1.0-18-amd64"), idle},
		{"headers", debian.Dpkg("linux-headers-6.1.0-18-amd64"), headers},
		{"headers for libc", Running{}.Dpkg("linux-libc-dev"), headers},
		{"headers for another machine's libc", Running{}.Dpkg("linux-libc-dev-arm64-cross"), headers},
		{"the source", debian.Dpkg("linux-source-6.1"), headers},
		{"what modules are built with", debian.Dpkg("linux-kbuild-6.1"), headers},
		{"Ubuntu's record of a build", debian.Dpkg("linux-buildinfo-6.8.0-45-generic"), headers},
		{"an image of a flavour", Running{Release: "6.8.0-1015-aws"}.Dpkg("linux-image-6.8.0-1015-aws"), ""},
		{"another flavour's image", Running{Release: "6.8.0-1015-aws"}.Dpkg("linux-image-6.8.0-45-generic"), idle},
		{"a tool built with the kernel", debian.Dpkg("linux-perf"), ""},
		{"something else", debian.Dpkg("util-linux"), ""},
		{"rpm, running", rpm(alma, "kernel-core", "5.14.0", "362.8.1.el9_3"), ""},
		{"rpm, running with a variant", rpm(Running{Release: "5.14.0-362.8.1.el9_3.x86_64+rt"}, "kernel-rt-core", "5.14.0", "362.8.1.el9_3"), ""},
		{"rpm, older", rpm(alma, "kernel-modules", "5.14.0", "284.el9"), idle},
		{"rpm, headers", rpm(alma, "kernel-headers", "5.14.0", "362.8.1.el9_3"), headers},
		{"rpm, devel of a variant", rpm(alma, "kernel-rt-devel", "5.14.0", "362.8.1.el9_3"), headers},
		{"rpm, tools", rpm(alma, "kernel-tools-libs", "5.14.0", "1"), ""},
		{"rpm, something else", rpm(alma, "bash", "5", "1"), ""},
		{"SUSE, running", rpm(suse, "kernel-default", "5.14.21", "150500.55.83.1"), ""},
		{"SUSE, older", rpm(suse, "kernel-default", "5.14.21", "150500.55.8.1"), idle},
		{"apk, running", alpine.Apk("linux-lts", "6.6.30-r0"), ""},
		{"apk, older", alpine.Apk("linux-lts", "6.6.29-r0"), idle},
		{"apk, in an image", Running{None: true}.Apk("linux-virt", "6.6.30-r0"), idle},
		{"apk, headers", alpine.Apk("linux-headers", "6.6-r0"), headers},
		{"apk, something else", alpine.Apk("linux-pam", "1.5-r0"), ""},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%s: role %q, want %q", tt.what, tt.got, tt.want)
		}
	}
}
