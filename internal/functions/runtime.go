package functions

import (
	"slices"
	"strings"
)

// supported are the runtimes whose functions are scanned for packages (scanning
// specification 1.7), as Lambda calls them.
func supported() []string {
	return []string{
		"go1.x",
		"java8", "java8.al2", "java11", "java17", "java21", "java25",
		"dotnet6", "dotnet8", "dotnet10",
		"nodejs12.x", "nodejs14.x", "nodejs16.x", "nodejs18.x", "nodejs20.x", "nodejs22.x", "nodejs24.x",
		"python3.7", "python3.8", "python3.9", "python3.10", "python3.11", "python3.12", "python3.13", "python3.14",
		"ruby2.7", "ruby3.2", "ruby3.3",
		"provided.al2", "provided.al2023",
	}
}

// isSupported reports whether functions of a runtime are scanned.
func isSupported(runtime string) bool { return slices.Contains(supported(), runtime) }

// runtimeWord is Inspector's word for a runtime: NODEJS_22_X, JAVA_8_AL2. Newer
// ones than the interface names get the natural word, those that are not
// scanned UNSUPPORTED.
func runtimeWord(runtime string) string {
	if !isSupported(runtime) {
		return "UNSUPPORTED"
	}
	var b strings.Builder
	family := strings.IndexAny(runtime, "0123456789.")
	b.WriteString(strings.ToUpper(runtime[:family]))
	for _, part := range strings.Split(strings.TrimPrefix(runtime[family:], "."), ".") {
		b.WriteString("_" + strings.ToUpper(part))
	}
	return b.String()
}
