package windows

import (
	"strconv"
	"strings"

	"muster/internal/inventory"
)

// servers are the releases of Windows Server by the number of their build.
func servers() map[int64]string {
	return map[int64]string{
		9200: "Windows Server 2012", 9600: "Windows Server 2012 R2", 14393: "Windows Server 2016", 17763: "Windows Server 2019",
		18362: "Windows Server, version 1903", 18363: "Windows Server, version 1909", 19041: "Windows Server, version 2004",
		19042: "Windows Server, version 20H2", 20348: "Windows Server 2022", 25398: "Windows Server 2022, 23H2 Edition", 26100: "Windows Server 2025",
	}
}

// clients are the releases of Windows for people by the number of their build.
func clients() map[int64]string {
	return map[int64]string{
		10240: "Windows 10", 14393: "Windows 10 Version 1607", 17763: "Windows 10 Version 1809", 18363: "Windows 10 Version 1909",
		19041: "Windows 10 Version 2004", 19042: "Windows 10 Version 20H2", 19043: "Windows 10 Version 21H1",
		19044: "Windows 10 Version 21H2", 19045: "Windows 10 Version 22H2", 22000: "Windows 11 version 21H2",
		22621: "Windows 11 Version 22H2", 22631: "Windows 11 Version 23H2", 26100: "Windows 11 Version 24H2", 26200: "Windows 11 Version 25H2",
	}
}

// coreOnly are the servers that Microsoft lists only without a desktop.
func coreOnly(build int64) bool { return build == 25398 || build >= 18362 && build <= 19042 }

// Product is Microsoft's name, as its advisories write it, of what a machine's
// registry calls productName; "" for a build that is not known.
func Product(productName string, number int64, display, architecture, installation string) string {
	if strings.Contains(productName, "Server") || strings.HasPrefix(installation, "Server") {
		name := servers()[number]
		if name != "" && (installation == "Server Core" || coreOnly(number)) {
			name += " (Server Core installation)"
		}
		return name
	}
	name := clients()[number]
	if name == "" && number > 22000 && display != "" {
		name = "Windows 11 Version " + display
	}
	if name == "" {
		return ""
	}
	return name + " for " + systems(architecture)
}

// ProductOf is Microsoft's name of an operating system whose version is a full
// build; "" where that is not known.
func ProductOf(o inventory.OS) string {
	parts := strings.Split(o.VersionID, ".")
	if !IsBuild(o.VersionID) || len(parts) < 3 {
		return ""
	}
	number, err := strconv.ParseInt(parts[2], 10, 32)
	if err != nil {
		return ""
	}
	installation := ""
	if strings.Contains(o.PrettyName, "Core") {
		installation = "Server Core"
	}
	return Product(o.PrettyName, number, "", o.Arch, installation)
}

// systems is how Microsoft calls an architecture.
func systems(architecture string) string {
	switch strings.ToUpper(architecture) {
	case "ARM64":
		return "ARM64-based Systems"
	case "X86":
		return "32-bit Systems"
	}
	return "x64-based Systems"
}

// System describes the operating system: Inspector calls it
// WINDOWS_SERVER_2019.
func System(productName, fullBuild, architecture string) inventory.OS {
	clean := inventory.DefaultLimits().Clean
	o := inventory.OS{ID: "windows", VersionID: clean(fullBuild), PrettyName: clean(productName), Ecosystem: Ecosystem}
	o.Platform = "WINDOWS"
	words := strings.Fields(productName)
	for i, w := range words {
		if w == "Server" && i+1 < len(words) && isYear(words[i+1]) {
			o.Platform = "WINDOWS_SERVER_" + words[i+1]
			if i+2 < len(words) && words[i+2] == "R2" {
				o.Platform += "_R2"
			}
			break
		}
		if (w == "10" || w == "11") && i > 0 && words[i-1] == "Windows" {
			o.Platform = "WINDOWS_" + w
		}
	}
	switch strings.ToUpper(architecture) {
	case "AMD64", "X64", "X86_64", "":
		o.Arch = "X86_64"
	case "ARM64":
		o.Arch = "ARM64"
	default:
		o.Arch = clean(strings.ToUpper(architecture))
	}
	return o
}

func isYear(s string) bool { return len(s) == 4 && strings.Trim(s, "0123456789") == "" }
