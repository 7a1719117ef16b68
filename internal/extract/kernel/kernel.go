// Package kernel decides which kernel packages hold code that runs. Only the
// running kernel is judged; others would fill a host with findings that no
// update closes until they are removed (feeds specification 7.2).
package kernel

import (
	"strings"

	"muster/internal/inventory"
)

// Running says what is known of the kernel. The zero value knows nothing: all
// kernel packages are then judged, as on a disk that nobody booted.
type Running struct {
	// Release is uname's release on a host: "6.1.0-18-amd64".
	Release string
	// None says that no kernel package runs, whatever is installed: images.
	None bool
}

func (r Running) known() bool { return r.None || r.Release != "" }

// Dpkg is the role of a Debian or Ubuntu package.
func (r Running) Dpkg(name string) inventory.Role {
	for _, prefix := range []string{
		"linux-libc-dev", "linux-headers-", "linux-source", "linux-doc", "linux-kbuild-", "linux-config-", "linux-support-",
		"linux-compiler-gcc-", "linux-buildinfo-",
	} {
		if strings.HasPrefix(name, prefix) {
			return inventory.RoleKernelHeaders
		}
	}
	for _, prefix := range []string{
		"linux-image-unsigned-", "linux-image-", "linux-signed-image-", "linux-modules-extra-", "linux-modules-",
	} {
		if release, ok := strings.CutPrefix(name, prefix); ok {
			return r.idle(strings.TrimSuffix(release, "-unsigned") == r.Release)
		}
	}
	return ""
}

// Apk is the role of an Alpine package: "linux-lts" 6.6.30-r0 runs as
// "6.6.30-0-lts".
func (r Running) Apk(name, version string) inventory.Role {
	if name == "linux-headers" {
		return inventory.RoleKernelHeaders
	}
	for _, flavour := range []string{"lts", "virt", "edge", "rpi", "stable"} {
		if name == "linux-"+flavour {
			upstream, revision, _ := strings.Cut(version, "-r")
			return r.idle(r.Release == upstream+"-"+revision+"-"+flavour)
		}
		if name == "linux-"+flavour+"-dev" {
			return inventory.RoleKernelHeaders
		}
	}
	return ""
}

// RPM is the role of an rpm package. Red Hat's kernels run as
// version-release.arch; SUSE's as version-release-flavour with the release cut
// by its last part.
func (r Running) RPM(name, version, release, arch string) inventory.Role {
	if !strings.HasPrefix(name, "kernel") {
		return ""
	}
	switch rest := strings.TrimPrefix(name, "kernel"); {
	case rest == "-headers", rest == "-devel", strings.HasSuffix(rest, "-devel"), strings.HasSuffix(rest, "-devel-matched"),
		rest == "-macros", rest == "-source", rest == "-doc":
		return inventory.RoleKernelHeaders
	case !image(rest):
		return ""
	}
	vr := version + "-" + release
	if r.Release == vr+"."+arch || strings.HasPrefix(r.Release, vr+"."+arch+"+") {
		return ""
	}
	if i := strings.LastIndexByte(vr, '.'); i > 0 && strings.HasPrefix(r.Release, vr[:i]+"-") {
		return ""
	}
	return r.idle(false)
}

// image reports whether kernel<rest> carries a kernel or its modules, not a
// tool that is built along with it (kernel-tools, kernel-rpm-macros).
func image(rest string) bool {
	for _, variant := range []string{"", "-rt", "-64k", "-rt-64k", "-debug", "-rt-debug", "-uek", "-plus", "-lt", "-ml", "-default", "-azure", "-kvmsmall", "-livepatch"} {
		tail, ok := strings.CutPrefix(rest, variant)
		if !ok {
			continue
		}
		switch tail {
		case "", "-core", "-modules", "-modules-core", "-modules-extra", "-modules-internal", "-modules-partner", "-base", "-extra", "-optional":
			return true
		}
	}
	return false
}

func (r Running) idle(runs bool) inventory.Role {
	if r.known() && (r.None || !runs) {
		return inventory.RoleKernelIdle
	}
	return ""
}
