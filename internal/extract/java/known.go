package java

import (
	"path"
	"strings"
)

// known is an artifact whose builds leave neither pom.properties nor a
// manifest that names their group: Gradle's, Ant's and Maven 1's.
type known struct {
	// artifact is the file's name without version; a "*" at its end stands for
	// any rest.
	artifact string
	group    string
	// folder is where the artifact's classes lie: what has the name and other
	// classes is something else.
	folder string
	// published is the artifact's name where the file bears another.
	published string
}

// knownArtifacts are those that advisories speak of. The first that fits
// counts, so the special ones stand before the general.
func knownArtifacts() []known {
	return []known{
		{artifact: "spring-boot*", group: "org.springframework.boot", folder: "org/springframework/boot"},
		{artifact: "spring-security-*", group: "org.springframework.security", folder: "org/springframework/security"},
		{artifact: "spring-integration-*", group: "org.springframework.integration", folder: "org/springframework/integration"},
		{artifact: "spring-batch-*", group: "org.springframework.batch", folder: "org/springframework/batch"},
		{artifact: "spring-session-*", group: "org.springframework.session", folder: "org/springframework/session"},
		{artifact: "spring-ldap-*", group: "org.springframework.ldap", folder: "org/springframework/ldap"},
		{artifact: "spring-kafka", group: "org.springframework.kafka", folder: "org/springframework/kafka"},
		{artifact: "spring-amqp", group: "org.springframework.amqp", folder: "org/springframework/amqp"},
		{artifact: "spring-rabbit", group: "org.springframework.amqp", folder: "org/springframework/amqp"},
		{artifact: "spring-core", group: "org.springframework", folder: "org/springframework"},
		{artifact: "spring-beans", group: "org.springframework", folder: "org/springframework"},
		{artifact: "spring-context*", group: "org.springframework", folder: "org/springframework"},
		{artifact: "spring-expression", group: "org.springframework", folder: "org/springframework"},
		{artifact: "spring-aop", group: "org.springframework", folder: "org/springframework"},
		{artifact: "spring-web", group: "org.springframework", folder: "org/springframework"},
		{artifact: "spring-webmvc", group: "org.springframework", folder: "org/springframework"},
		{artifact: "spring-webflux", group: "org.springframework", folder: "org/springframework"},
		{artifact: "spring-websocket", group: "org.springframework", folder: "org/springframework"},
		{artifact: "spring-messaging", group: "org.springframework", folder: "org/springframework"},
		{artifact: "spring-jdbc", group: "org.springframework", folder: "org/springframework"},
		{artifact: "spring-orm", group: "org.springframework", folder: "org/springframework"},
		{artifact: "spring-oxm", group: "org.springframework", folder: "org/springframework"},
		{artifact: "spring-tx", group: "org.springframework", folder: "org/springframework"},
		{artifact: "reactor-netty*", group: "io.projectreactor.netty", folder: "reactor/netty"},
		{artifact: "reactor-core", group: "io.projectreactor", folder: "reactor/core"},
		{artifact: "tomcat-embed-*", group: "org.apache.tomcat.embed", folder: "org/apache"},
		{artifact: "catalina", group: "org.apache.tomcat", folder: "org/apache/catalina", published: "tomcat-catalina"},
		{artifact: "jasper", group: "org.apache.tomcat", folder: "org/apache/jasper", published: "tomcat-jasper"},
		{artifact: "tomcat-*", group: "org.apache.tomcat", folder: "org/apache"},
		{artifact: "elasticsearch*", group: "org.elasticsearch", folder: "org/elasticsearch"},
		{artifact: "lucene-*", group: "org.apache.lucene", folder: "org/apache/lucene"},
		{artifact: "solr-*", group: "org.apache.solr", folder: "org/apache/solr"},
		{artifact: "apache-cassandra", group: "org.apache.cassandra", folder: "org/apache/cassandra", published: "cassandra-all"},
		{artifact: "zookeeper", group: "org.apache.zookeeper", folder: "org/apache/zookeeper"},
		{artifact: "kafka-clients", group: "org.apache.kafka", folder: "org/apache/kafka"},
		{artifact: "kafka_*", group: "org.apache.kafka", folder: "kafka"},
		{artifact: "groovy", group: "org.codehaus.groovy", folder: "groovy"},
		{artifact: "groovy-all", group: "org.codehaus.groovy", folder: "groovy"},
		{artifact: "okhttp", group: "com.squareup.okhttp3", folder: "okhttp3"},
		{artifact: "okio*", group: "com.squareup.okio", folder: "okio"},
		{artifact: "kotlin-stdlib*", group: "org.jetbrains.kotlin", folder: "kotlin"},
		{artifact: "ktor-*", group: "io.ktor", folder: "io/ktor"},
		{artifact: "grpc-*", group: "io.grpc", folder: "io/grpc"},
		{artifact: "bcprov-*", group: "org.bouncycastle", folder: "org/bouncycastle"},
		{artifact: "bcpkix-*", group: "org.bouncycastle", folder: "org/bouncycastle"},
		{artifact: "bcpg-*", group: "org.bouncycastle", folder: "org/bouncycastle"},
		{artifact: "bctls-*", group: "org.bouncycastle", folder: "org/bouncycastle"},
		{artifact: "bcmail-*", group: "org.bouncycastle", folder: "org/bouncycastle"},
		{artifact: "bc-fips", group: "org.bouncycastle", folder: "org/bouncycastle"},
		{artifact: "mysql-connector-java", group: "mysql", folder: "com/mysql"},
		{artifact: "mysql-connector-j", group: "com.mysql", folder: "com/mysql"},
		{artifact: "postgresql", group: "org.postgresql", folder: "org/postgresql"},
		{artifact: "h2", group: "com.h2database", folder: "org/h2"},
		{artifact: "hsqldb", group: "org.hsqldb", folder: "org/hsqldb"},
		{artifact: "commons-email", group: "org.apache.commons", folder: "org/apache/commons/mail"},
		{artifact: "commons-beanutils", group: "commons-beanutils", folder: "org/apache/commons/beanutils"},
		{artifact: "commons-collections", group: "commons-collections", folder: "org/apache/commons/collections"},
		{artifact: "commons-codec", group: "commons-codec", folder: "org/apache/commons/codec"},
		{artifact: "commons-configuration", group: "commons-configuration", folder: "org/apache/commons/configuration"},
		{artifact: "commons-fileupload", group: "commons-fileupload", folder: "org/apache/commons/fileupload"},
		{artifact: "commons-httpclient", group: "commons-httpclient", folder: "org/apache/commons/httpclient"},
		{artifact: "commons-io", group: "commons-io", folder: "org/apache/commons/io"},
		{artifact: "commons-jxpath", group: "commons-jxpath", folder: "org/apache/commons/jxpath"},
		{artifact: "commons-net", group: "commons-net", folder: "org/apache/commons/net"},
		{artifact: "log4j", group: "log4j", folder: "org/apache/log4j"},
		{artifact: "xercesImpl", group: "xerces", folder: "org/apache/xerces"},
		{artifact: "xalan", group: "xalan", folder: "org/apache/xalan"},
		{artifact: "struts", group: "struts", folder: "org/apache/struts"},
		{artifact: "axis", group: "org.apache.axis", folder: "org/apache/axis"},
		{artifact: "ant", group: "org.apache.ant", folder: "org/apache/tools/ant"},
		{artifact: "velocity", group: "org.apache.velocity", folder: "org/apache/velocity"},
		{artifact: "dom4j", group: "dom4j", folder: "org/dom4j"},
		{artifact: "jdom*", group: "org.jdom", folder: "org/jdom"},
		{artifact: "quartz", group: "org.quartz-scheduler", folder: "org/quartz"},
		{artifact: "bsh", group: "org.beanshell", folder: "bsh"},
		{artifact: "rhino", group: "org.mozilla", folder: "org/mozilla/javascript"},
		{artifact: "jython-standalone", group: "org.python", folder: "org/python"},
	}
}

// identify returns the coordinates of a known artifact, without its version;
// false for others, and where the archive's classes are of another folder.
func (i *identities) identify(artifact string) (coordinates, bool) {
	for _, k := range knownArtifacts() {
		if !k.named(artifact) || !i.confirms(artifact, k.folder) {
			continue
		}
		c := coordinates{group: k.group, artifact: artifact}
		if k.published != "" {
			c.artifact = k.published
		}
		return c, true
	}
	return coordinates{}, false
}

func (k known) named(artifact string) bool {
	if prefix, ok := strings.CutSuffix(k.artifact, "*"); ok {
		return strings.HasPrefix(artifact, prefix)
	}
	return artifact == k.artifact
}

// confirms reports whether classes lie where the artifact's do. Archives that
// were stripped of their classes are believed when their manifest repeats the
// name.
func (i *identities) confirms(artifact, folder string) bool {
	for f := range i.folders {
		if f == folder || strings.HasPrefix(f, folder+"/") {
			return true
		}
	}
	if len(i.folders) > 0 {
		return false
	}
	plain := strings.NewReplacer("-", "", ".", "", "_", "", " ", "").Replace
	for _, name := range []string{"Implementation-Title", "Bundle-SymbolicName", "Automatic-Module-Name", "Specification-Title"} {
		if strings.Contains(strings.ToLower(plain(i.manifest[name])), strings.ToLower(plain(artifact))) {
			return true
		}
	}
	return false
}

// maxFolders bounds the folders of classes that are remembered of an archive.
const maxFolders = 10_000

// addClass notes where a class lies.
func (i *identities) addClass(name string) {
	if i.folders == nil {
		i.folders = map[string]bool{}
	}
	if len(i.folders) < maxFolders {
		i.folders[path.Dir(name)] = true
	}
}
