using Pitr.Operations.Configuration;

namespace Pitr.Operations.Tests.Configuration;

/// <summary>Every way of getting a repository's URL and keys wrong; see <see cref="BadConfigurationTests"/>.</summary>
public sealed class BadRepositoryTests : ConfigurationFiles
{
    const string Sftp = "sftp://user@host/absolute/path or sftp://user@host/~/path/below/the/login";
    const string Ftp = "ftp://user@host/path/below/the/login or ftp://user@host//absolute/path";
    const string S3Keys = "give the keys as \"access-key\" and \"secret-key\"";
    const string SftpKey = "sftp logs in with a key: see \"identity-file\"";
    const string FtpPassword = "give it as the key \"password\": ${VARIABLE} or file:/path";
    const string S3Place = "write s3://bucket/prefix; the server goes to \"endpoint\": https://host:port, keys to \"access-key\" and \"secret-key\"";

    /// <summary>Lines of a repository with their mark, message behind <c>"repositories.offsite.</c>, hint.</summary>
    public static TheoryData<string, string, string?> Cases => new()
    {
        // URLs of any kind
        { "url: ¦s3:bucket/pitr", "url\" lacks the \"//\" before the host", "write s3://bucket/prefix" },
        { "url: ¦sftp:/srv/pitr", "url\" lacks the \"//\" before the host", "write " + Sftp },
        { "url: ¦sftp:///srv/pitr", "url\" names no host", $"write {Sftp}; an IPv6 address stands in [ ]" },
        { "url: ¦sftp://::1/srv/pitr", "url\" names no host", $"write {Sftp}; an IPv6 address stands in [ ]" },
        { "url: ¦sftp://[::1/srv/pitr", "url\" names no host", $"write {Sftp}; an IPv6 address stands in [ ]" },
        { "url: ¦sftp://[1.2.3.4]/srv/pitr", "url\" names no host", $"write {Sftp}; an IPv6 address stands in [ ]" },
        { "url: ¦sftp://-oProxyCommand=x/srv", "url\" names no host", $"write {Sftp}; an IPv6 address stands in [ ]" },
        { "url: ¦'sftp://a b/srv'", "url\" names no host", $"write {Sftp}; an IPv6 address stands in [ ]" },
        { "url: ¦sftp://@host/srv", "url\" has an empty or misspelt user before \"@\"", "percent-encode what is neither letter nor digit: %40 for @" },
        { "url: ¦sftp://%zz@host/srv", "url\" has an empty or misspelt user before \"@\"", "percent-encode what is neither letter nor digit: %40 for @" },
        { "url: ¦sftp://host:/srv", "url\" has something else than a port from 1 to 65535 after the host", $"write {Sftp}; {SftpKey}" },
        { "url: ¦sftp://host:0/srv", "url\" has something else than a port from 1 to 65535 after the host", $"write {Sftp}; {SftpKey}" },
        { "url: ¦sftp://host:65536/srv", "url\" has something else than a port from 1 to 65535 after the host", $"write {Sftp}; {SftpKey}" },
        { "url: ¦sftp://host:+22/srv", "url\" has something else than a port from 1 to 65535 after the host", $"write {Sftp}; {SftpKey}" },
        { "url: ¦sftp://host/a?b", "url\" holds ? or #", "write %3F for ? and %23 for #" },
        { "url: ¦sftp://host/a#b", "url\" holds ? or #", "write %3F for ? and %23 for #" },
        { "url: ¦sftp://host#b", "url\" holds ? or #", "write %3F for ? and %23 for #" },
        { "url: ¦sftp://host/100%", "url\" holds a % that begins no encoded character", "write %25 for a % itself; encode UTF-8, and no control characters" },
        { "url: ¦sftp://host/%2", "url\" holds a % that begins no encoded character", "write %25 for a % itself; encode UTF-8, and no control characters" },
        { "url: ¦sftp://host/%ff", "url\" holds a % that begins no encoded character", "write %25 for a % itself; encode UTF-8, and no control characters" },
        { "url: ¦sftp://host/a%0ab", "url\" holds a % that begins no encoded character", "write %25 for a % itself; encode UTF-8, and no control characters" },
        { "url: ¦sftp://host/a/../b", "url\" has the part \"..\"", "write the path without it" },

        // passwords in URLs
        { "url: ¦sftp://me:hunter2@host/srv", "url\" holds a password", SftpKey },
        { "url: ¦s3://AK:hunter2@bucket/x", "url\" holds a password", S3Keys },
        { "url: ¦ftp://me:hunter2@host/x\npassword: ${P}", "url\" holds a password", FtpPassword },
        { "url: ¦ftp://me:hun@ter2@host/x\npassword: ${P}", "url\" holds a password", FtpPassword },
        { "url: ¦ftp://me:hunter/2@host/x\npassword: ${P}", "url\" holds an @ after the host", "write %40 for an @ in a path; " + FtpPassword },
        { "url: ¦ftp://me:12/3@host/x\npassword: ${P}", "url\" holds an @ after the host", "write %40 for an @ in a path; " + FtpPassword },
        { "url: ¦s3://hunter2/hunter2@bucket", "url\" holds an @ after the host", "write %40 for an @ in a path; " + S3Keys },
        { "url: s3://bucket\nendpoint: ¦https://me:12/3@s3.example.net", "endpoint\" holds a user or password", "give them as \"access-key\" and \"secret-key\"" },
        { "url: s3://bucket\nendpoint: ¦https://me:hunter2@s3.example.net", "endpoint\" holds a user or password", "give them as \"access-key\" and \"secret-key\"" },
        { "url: s3://bucket\nproxy: ¦http://me:hunter2@proxy:3128", "proxy\" holds a user or password", "give them as \"proxy-user\" and \"proxy-password\"" },

        // s3:
        { "url: ¦s3://AK@bucket/x", "url\" has a user", S3Place },
        { "url: ¦s3://s3.example.net:9000/bucket", "url\" has a port", S3Place },
        { "url: ¦s3://bucket/../x", "url\" has the part \"..\"", "write the prefix without it" },
        { "url: s3://bucket\nendpoint: ¦s3.example.net", "endpoint\" is no HTTP URL", "write https://host[:port] or http://host[:port]" },
        { "url: s3://bucket\nendpoint: ¦ftp://s3.example.net", "endpoint\" is no HTTP URL", "write https://host[:port] or http://host[:port]" },
        { "url: s3://bucket\nendpoint: ¦https://s3.example.net?x", "endpoint\" holds ? or #", "write https://host[:port] or http://host[:port]" },
        { "url: s3://bucket\naddressing-style: ¦host", "addressing-style\" can not be \"host\"", "possible values: auto, path, virtual" },
        { "url: s3://bucket\ncredentials: ¦static", "credentials\" can not be \"static\"", "possible values: keys, environment, profile, instance, web-identity" },
        { "url: s3://bucket\nencryption: ¦aws:kms", "encryption\" can not be \"aws:kms\"", "possible values: none, s3, kms" },
        { "url: s3://bucket\nchecksums: ¦required", "checksums\" can not be \"required\"", "possible values: when-required, when-supported" },
        { "url: s3://bucket\npart-size: ¦1MiB", "part-size\" can not be 1MiB", "from 5MiB to 32MiB" },
        { "url: s3://bucket\nmultipart-threshold: ¦6GiB", "multipart-threshold\" can not be 6GiB", "from 5MiB to 5GiB" },
        { "url: s3://bucket\nparts-in-parallel: ¦33", "parts-in-parallel\" can not be \"33\"", "a whole number from 1 to 32" },
        { "url: s3://bucket\nca-file: ¦ca.pem", "ca-file\" must be an absolute path, but is \"ca.pem\"", "start it with /" },
        { "url: s3://bucket\nregion: ¦${REGION}", "region\" refers to a variable, which only secrets may", "set PITR_REPOSITORIES__OFFSITE__REGION in the environment to override it" },
        { "url: s3://bucket\nsecret-key: ¦${SECRET", "secret-key\" holds \"${\" but is no whole reference", "write ${VARIABLE} and nothing else (letters, digits and _), or keep a secret with these characters in a file: file:/path" },
        { "url: s3://bucket\nsecret-key: ¦${SECRET}", "secret-key\" does not belong to \"credentials\": environment", "give both \"access-key\" and \"secret-key\", and no other \"credentials\" than keys" },
        { "url: s3://bucket\nprofile: ¦backup", "profile\" does not belong to \"credentials\": environment", "write \"credentials\": profile, or remove it" },
        { "url: s3://bucket\ncredentials: instance\nrole-arn: ¦arn:x", "role-arn\" does not belong to \"credentials\": instance", "write \"credentials\": web-identity, or remove it" },

        // ftp: and ftps:
        { "url: ftp://me@host/x\nuser: ¦you\npassword: ${P}", "user\" is another user than the one in \"url\"", "keep one of them" },
        { "url: ¦ftp://me@host/a/../x\npassword: ${P}", "url\" has the part \"..\"", "write the path without it" },
        { "url: ftp://me@host/x\npassword: ${P}\ntls: ¦implicit", "tls\" can not be \"implicit\"", "did you mean \"explicit\"? possible values: explicit, none" },
        { "url: ftp://me@host/x\npassword: ${P}\nconnections: ¦0", "connections\" can not be \"0\"", "a whole number from 1 to 64" },
        { "url: ftp://me@host/x\npassword: ¦file:secret", "password\" must refer to its file by an absolute path", "write file:/path/of/the/file" },

        // sftp:
        { "url: ¦sftp://host", "url\" is the server's root directory", "give the repository a directory of its own: " + Sftp },
        { "url: ¦sftp://host//./", "url\" is the server's root directory", "give the repository a directory of its own: " + Sftp },
        { "url: ¦sftp://host/~/", "url\" is the login's own directory", "give the repository a directory of its own: " + Sftp },
        { "url: sftp://host/x\nidentity-file: ¦~/.ssh/id", "identity-file\" must be an absolute path, but is \"~/.ssh/id\"", "start it with /" },
        { "url: sftp://host/x\nhost-key-checking: ¦no", "host-key-checking\" can not be \"no\"", "possible values: yes, accept-new" },
        { "url: sftp://host/x\nconnect-timeout: ¦500ms", "connect-timeout\" can not be 500ms", "from 1s to 5m" },
        { "url: sftp://host/x\nstall-timeout: ¦60", "stall-timeout\" can not be \"60\"", ConfigurationUnits.DurationHint },

        // every kind
        { "url: file:///x\nupload-limit: ¦20MB", "upload-limit\" can not be \"20MB\"", ConfigurationUnits.RateHint },
        { "url: file:///x\ndownload-limit: ¦999B/s", "download-limit\" can not be 999B/s", "1kB/s or more" },
        { "url: file:///x\nconcurrency: ¦0", "concurrency\" can not be \"0\"", "a whole number from 1 to 1024" },
        { "url: file:///x\nconcurrency: ¦1025", "concurrency\" can not be \"1025\"", "a whole number from 1 to 1024" },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_mistake_is_reported_once_where_it_is_with_what_to_do(string marked, string message, string? hint) =>
        RequireProblem(Offsite(marked), "\"repositories.offsite." + message, hint);

    /// <summary>The same with the whole message.</summary>
    public static TheoryData<string, string, string?> Others => new()
    {
        { "url: ¦gopher://host/x\nlines: 1", "\"repositories.offsite.url\": no driver for gopher: in this version", "available: file, s3, sftp, ftp, ftps" },
        { "url: ¦s3://b/x", "\"repositories.offsite\": bucket \"b\" is no name of a bucket: 3 to 255 letters, digits, \".\", \"-\" and \"_\"", null },
        { "url: ¦s3://bucket/.tmp-x", "\"repositories.offsite\": prefix \".tmp-x\" is no valid key", null },
        { "url: ¦s3://bucket\nkms-key: x", "\"repositories.offsite\": a KMS key needs KMS encryption", null },
        { "url: ¦s3://bucket\nobject-lock: governance", "\"repositories.offsite\": object lock needs both a mode and days", null },
        { "url: ¦sftp://host/x\nproxy-jump: -x", "\"repositories.offsite\": SFTP option ProxyJump \"-x\" starts with \"-\" or holds white space", null },
        { "url: ¦sftp://host/a\"b", "\"repositories.offsite\": SFTP option Path holds a control character or a double quote", null },
        { "url: ¦ftp://a%3Ab@host/x\npassword: ${P}", "\"repositories.offsite\": the user of an FTP repository is empty or holds a colon or a control character", null },
        { "url: ¦ftp://host/x\npassword: ${P}", "\"repositories.offsite\" lacks a user", $"add \"user\", or write it into the URL: {Ftp}" },

        // keys of other kinds
        { "url: s3://bucket\n¦identity-file: /x", "unknown key \"identity-file\" in \"repositories.offsite\"", "\"identity-file\" belongs to sftp:, and this is s3:" },
        { "url: sftp://host/x\n¦password: hunter2", "unknown key \"password\" in \"repositories.offsite\"", "\"password\" belongs to ftp: and ftps:, and this is sftp:" },
        { "url: ftps://me@host/x\npassword: ${P}\n¦tls: none", "unknown key \"tls\" in \"repositories.offsite\"", "\"tls\" belongs to ftp:, and this is ftps:" },
        { "url: file:///x\n¦connections: 4", "unknown key \"connections\" in \"repositories.offsite\"", "\"connections\" belongs to sftp: and ftp: and ftps:, and this is file:" },
        { "url: file:///x\n¦upload-limti: 1MB/s", "unknown key \"upload-limti\" in \"repositories.offsite\"", "did you mean \"upload-limit\"? valid keys: url, upload-limit, download-limit, concurrency, retry" },
    };

    [Theory]
    [MemberData(nameof(Others))]
    public void Other_mistakes_too(string marked, string message, string? hint) => RequireProblem(Offsite(marked), message, hint);

    /// <summary>What lacks something; reported at the repository.</summary>
    public static TheoryData<string, string, string> Lacking => new()
    {
        { "url: s3://bucket\naccess-key: AK", "\"repositories.offsite\" lacks the key \"secret-key\"", "\"credentials\": keys needs it" },
        { "url: s3://bucket\ncredentials: profile", "\"repositories.offsite\" lacks the key \"profile\"", "\"credentials\": profile needs it" },
        { "url: s3://bucket\nproxy-user: me", "\"repositories.offsite\" has a user or password for a proxy, but no \"proxy\"", "add \"proxy\": http://host:port" },
        { "url: ftp://me@host/x", "\"repositories.offsite\" lacks the key \"password\"", "add \"password\": ${VARIABLE} or file:/path" },
    };

    [Theory]
    [MemberData(nameof(Lacking))]
    public void What_is_lacking_is_named(string lines, string message, string hint) =>
        RequireProblem(Offsite(lines).Replace("  offsite:", "  ¦offsite:", StringComparison.Ordinal), message, hint);

    /// <summary>Pairs of repositories that are one place.</summary>
    public static TheoryData<string, string> Pairs => new()
    {
        { "url: s3://bucket/pitr", "url: S3://bucket//./pitr/, region: eu-1" },
        { "url: s3://bucket/pitr, endpoint: https://S3.example.net:443/", "url: s3://bucket/%70itr, endpoint: https://s3.example.net" },
        { "url: sftp://me@host/srv/pitr", "url: sftp://me@HOST:22//srv/pitr/, connections: 2" },
        { "url: sftp://host/~/pitr", "url: sftp://host/~//pitr" },
        { "url: 'sftp://[::1]/pitr'", "url: 'sftp://[0:0::0:1]/pitr'" },
        { "url: ftp://me@host/pitr, password: a", "url: ftp://HOST:21/pitr/, user: me, password: b, tls: none" },
        { "url: ftp://me@host//pitr, password: a", "url: ftp://me@host/%2Fpitr, password: b" },
        { "url: ftps://me@host/pitr, password: a", "url: ftps://me@host:990/pitr, password: b" },
    };

    [Theory]
    [MemberData(nameof(Pairs))]
    public void One_place_is_no_two_repositories(string one, string two)
    {
        var e = Refused($"repositories:\n  one: {{ {one} }}\n  two: {{ {two} }}\nencryption: {{ recipients: [/a] }}\nservices: {{ main: {{ kind: postgres, repositories: [one] }} }}");

        Assert.Equal("\"repositories.two.url\" is the place of repository \"one\" too", Assert.Single(e.Problems).Message);
    }

    /// <summary>Pairs of repositories that look alike and are not one place.</summary>
    public static TheoryData<string, string> Neighbours => new()
    {
        { "url: s3://bucket/pitr", "url: s3://bucket/Pitr" },
        { "url: s3://bucket/pitr", "url: s3://bucket/pitr, endpoint: https://s3.example.net" },
        { "url: sftp://me@host/pitr", "url: sftp://you@host/pitr" },
        { "url: sftp://host/pitr", "url: sftp://host/~/pitr" },
        { "url: sftp://host/pitr", "url: sftp://host:2222/pitr" },
        { "url: ftp://me@host/pitr, password: a", "url: ftp://me@host//pitr, password: a" },
        { "url: ftp://me@host/pitr, password: a", "url: ftps://me@host/pitr, password: a" },
    };

    [Theory]
    [MemberData(nameof(Neighbours))]
    public void Two_places_are_two_repositories(string one, string two) => Assert.Equal(2, Load(
        $"repositories:\n  one: {{ {one} }}\n  two: {{ {two} }}\nencryption: {{ recipients: [/a] }}\nservices: {{ main: {{ kind: postgres, repositories: [one] }} }}").Repositories.Count);

    [Theory]
    [InlineData("0")]
    [InlineData("3")]
    [InlineData("-1")]
    [InlineData("most")]
    [InlineData("1.5")]
    public void Required_is_all_or_a_number_of_repositories(string required)
    {
        var two = Minimal.Replace("encryption:", "  nas: { url: file:///mnt/nas }\nencryption:", StringComparison.Ordinal).Replace("[local]", "[local, nas]", StringComparison.Ordinal);

        RequireProblem(
            two + $"    required: ¦{required}\n",
            $"\"services.main.required\" can not be \"{required}\"",
            "all, or a whole number from 1 to 2: the repositories there are");
        Assert.Equal(1, Load(two + "    required: 1\n").Service("main").RequiredRepositories);
        Assert.Equal(2, Load(two + "    required: 2\n").Service("main").RequiredRepositories);
        Assert.Equal(2, Load(two + "    required: all\n").Service("main").RequiredRepositories);
        Assert.Equal(2, Load(two).Service("main").RequiredRepositories);
    }
}
