using Pitr.Operations.Configuration;

namespace Pitr.Operations.Tests.Configuration;

/// <summary>
/// Every way of getting a configuration wrong, with the place, the message and the hint a person gets. A <c>¦</c> marks the place
/// and is taken out before reading.
/// </summary>
public sealed class BadConfigurationTests : ConfigurationFiles
{
    const string Repository = "repositories:\n  local: ";
    const string AfterRepository = "\nencryption: { recipients: [/a.pem] }\nservices: { main: { kind: postgres, repositories: [local] } }\n";

    /// <summary>Text with its mark, message, hint (both exact; the hint null where none is given).</summary>
    public static TheoryData<string, string, string?> Cases => new()
    {
        // structure
        { "¦just words", "the configuration must be a mapping of keys to values, but is a single value", null },
        { "¦- a\n- b\n", "the configuration must be a mapping of keys to values, but is a list", null },
        { Minimal + "¦---\nlog: {}\n", "holds a second YAML document", "keep one document per file and remove the \"---\" between them" },
        { AtTop("log: { level: debug }\n¦log: { level: error }"), "duplicate key \"log\"", "keep one of them" },
        { InMain("connection: Host=/a\n¦connection: Host=/b"), "duplicate key \"connection\"", "keep one of them" },
        { AtTop("log: { level: ¦!!str debug }"), "YAML tags (\"!…\") are not used here", "quote the value if it is meant to start with \"!\"" },
        { AtTop("log: { level: ¦*nowhere }"), "refers to an anchor that is not defined above", "quote the value if it is meant to start with \"*\"" },
        { AtTop("? ¦{ a: b }\n: c"), "a key is a mapping in the configuration", "keys are plain words" },
        { InMain("<<: ¦text"), "\"<<\" must merge a mapping, but is a single value in \"services.main\"", null },
        { AtTop("log: { level: ¦[debug] }"), "\"log.level\" must be a single value (one of verbose, debug, information, warning, error, fatal), but is a list", null },
        { AtTop("log: { level: ¦{ a: b } }"), "\"log.level\" must be a single value (one of verbose, debug, information, warning, error, fatal), but is a mapping", null },
        { AtTop("log: ¦debug"), "\"log\" must be a mapping of keys to values, but is a single value", null },
        { AtTop("log: ¦[debug]"), "\"log\" must be a mapping of keys to values, but is a list", null },

        // unknown keys
        { AtTop("¦loog: {}"), "unknown key \"loog\" in the configuration", "did you mean \"log\"? valid keys: state-directory, agent, log, repositories, encryption, applications, services" },
        { AtTop("¦nothing-like-it: 1"), "unknown key \"nothing-like-it\" in the configuration", "valid keys: state-directory, agent, log, repositories, encryption, applications, services" },
        { InMain("¦password:hunter2: x"), "unknown key \"password…\" in \"services.main\"", "put a space after \"password:\"" },
        { InMain("¦\"hunter 2\": x"), "unknown key \"hunter…\" in \"services.main\"", "valid keys: kind, repositories, required, objectives, retention, after, applications, data-directory, password, connection, bin-directory, backup, wal, drill, verify, server, archive-program" },
        { AtTop("agent: { ¦sokcet: /x }"), "unknown key \"sokcet\" in \"agent\"", "did you mean \"socket\"? valid keys: socket" },
        { InMain("¦data-directroy: /x"), "unknown key \"data-directroy\" in \"services.main\"", "did you mean \"data-directory\"? valid keys: kind, repositories, required, objectives, retention, after, applications, data-directory, password, connection, bin-directory, backup, wal, drill, verify, server, archive-program" },
        { InMain("¦Data-Directory: /x"), "unknown key \"Data-Directory\" in \"services.main\"", "did you mean \"data-directory\"? valid keys: kind, repositories, required, objectives, retention, after, applications, data-directory, password, connection, bin-directory, backup, wal, drill, verify, server, archive-program" },
        { InMain("¦rpo: 5m"), "unknown key \"rpo\" in \"services.main\"", "\"rpo\" belongs in services.*.objectives" },
        { InMain("¦compression-level: 3"), "unknown key \"compression-level\" in \"services.main\"", "\"compression-level\" belongs in services.*.backup or services.*.wal" },
        { InMain("retention: { ¦month: 3 }"), "unknown key \"month\" in \"services.main.retention\"", "did you mean \"monthly\"? valid keys: window, daily, weekly, monthly, yearly, minimum, time-zone" },
        { InMain("backup: { ¦full: yes }"), "unknown key \"full\" in \"services.main.backup\"", "valid keys: method, compression-level, jobs, pack-size, dead-space, limit, wal-deadline" },
        { InMain("wal: { ¦queue-max: 5GB }"), "unknown key \"queue-max\" in \"services.main.wal\"", "valid keys: compression-level, push-deadline, get-deadline, prefetch, prefetch-size, stream, slot, stream-delay" },
        { Repository + "{ url: file:///a, ¦region: eu }" + AfterRepository, "unknown key \"region\" in \"repositories.local\"", "\"region\" belongs to s3:, and this is file:" },
        { Minimal.Replace("  recipients:", "  ¦enabled: false\n  recipients:", StringComparison.Ordinal), "unknown key \"enabled\" in \"encryption\"", "valid keys: recipients, identity, passphrase" },

        // empty and missing
        { InMain("data-directory:¦"), "\"services.main.data-directory\" is empty", "give it a value, or remove it to have the default" },
        { InMain("data-directory: ¦~"), "\"services.main.data-directory\" is empty", "give it a value, or remove it to have the default" },
        { InMain("data-directory: ¦''"), "\"services.main.data-directory\" is empty", "give it a value, or remove it to have the default" },
        { InMain("data-directory: ¦\"  \""), "\"services.main.data-directory\" is empty", "give it a value, or remove it to have the default" },
        { InMain("data-directory: ¦\"/a\\nb\""), "\"services.main.data-directory\" holds a control character", null },
        { InMain("password: ¦\"a\\0b\""), "\"services.main.password\" holds a control character", "keep such a secret in a file: file:/path" },
        { "¦encryption: { recipients: [/a] }\nservices: { main: { kind: postgres, repositories: [x] } }", "\"repositories\" names no repository", "add at least one repository below \"repositories:\"" },
        { "¦repositories:\nencryption: { recipients: [/a] }\nservices: { main: { kind: postgres, repositories: [x] } }", "\"repositories\" names no repository", "add at least one repository below \"repositories:\"" },
        { "repositories: { l: { url: file:///a } }\nencryption: { recipients: [/a] }\n¦services: {}", "\"services\" names no service", "add at least one service below \"services:\"" },
        { "repositories: { ¦l: }\nencryption: { recipients: [/a] }\nservices: { main: { kind: postgres, repositories: [l] } }", "\"repositories.l\" lacks the key \"url\"", "add \"url\": URL" },
        { "¦repositories: { l: { url: file:///a } }\nservices: { main: { kind: postgres, repositories: [l] } }", "\"encryption\" lacks the key \"recipients\"", "add \"recipients\": a list of paths" },
        { "repositories: { l: { url: file:///a } }\n¦encryption: {}\nservices: { main: { kind: postgres, repositories: [l] } }", "\"encryption\" lacks the key \"recipients\"", "add \"recipients\": a list of paths" },
        { "repositories: { l: { url: file:///a } }\nencryption: { recipients: ¦[] }\nservices: { main: { kind: postgres, repositories: [l] } }", "\"encryption.recipients\" is empty", "it needs at least one entry" },
        { "repositories: { l: { url: file:///a } }\nencryption: { recipients: ¦}\nservices: { main: { kind: postgres, repositories: [l] } }", "\"encryption.recipients\" is empty", "write recipients: [ … ]" },
        { "repositories: { l: { url: file:///a } }\nencryption: { recipients: ¦/a }\nservices: { main: { kind: postgres, repositories: [l] } }", "\"encryption.recipients\" must be a list of paths, but is a single value", "write recipients: [ … ]" },
        { "repositories: { l: { url: file:///a } }\nencryption: { recipients: [/a, ¦/a] }\nservices: { main: { kind: postgres, repositories: [l] } }", "\"encryption.recipients\" holds \"/a\" twice", "keep one of them" },
        { "repositories: { l: { url: file:///a } }\nencryption: { recipients: [/a, ¦[/b]] }\nservices: { main: { kind: postgres, repositories: [l] } }", "\"encryption.recipients\" must be a list of paths, but holds a list", null },
        { "repositories: { l: { url: file:///a } }\nencryption: { recipients: [¦''] }\nservices: { main: { kind: postgres, repositories: [l] } }", "\"encryption.recipients\" is empty", "give it a value, or remove it to have the default" },
        { "repositories: { l: { url: file:///a } }\nencryption: { recipients: [¦a.pem] }\nservices: { main: { kind: postgres, repositories: [l] } }", "\"encryption.recipients\" must be an absolute path, but is \"a.pem\"", "start it with /" },
        { "repositories: { l: { url: file:///a } }\nencryption: { recipients: [/a] }\nservices: { ¦main: { repositories: [l] } }", "\"services.main\" lacks the key \"kind\"", "add \"kind\": one of postgres, files, postgres-dump, mysql, redis, mongodb, qdrant" },
        { "repositories: { l: { url: file:///a } }\nencryption: { recipients: [/a] }\nservices: { ¦main: { kind: postgres } }", "\"services.main\" lacks the key \"repositories\"", "add \"repositories\": a list of repository names" },
        { "repositories: { l: { url: file:///a } }\nencryption: { recipients: [/a] }\nservices: { main: ¦postgres }", "\"services.main\" must be a mapping of keys to values, but is a single value", null },

        // names
        { "repositories: { l: { url: file:///a } }\nencryption: { recipients: [/a] }\nservices: { ¦Main: { kind: postgres, repositories: [l] } }", "\"Main\" can not name a service", "1 to 63 of a-z 0-9 _ . - beginning with a letter or digit, no capitals" },
        { "repositories: { l: { url: file:///a } }\nencryption: { recipients: [/a] }\nservices: { ¦../up: { kind: postgres, repositories: [l] } }", "\"../up\" can not name a service", "1 to 63 of a-z 0-9 _ . - beginning with a letter or digit, no capitals" },
        { "repositories: { ¦a/b: { url: file:///a }, l: { url: file:///l } }\nencryption: { recipients: [/a] }\nservices: { main: { kind: postgres, repositories: [l] } }", "\"a/b\" can not name a repository", "1 to 63 of a-z 0-9 _ . - beginning with a letter or digit, no capitals" },
        { Minimal.Replace("[local]", "[¦locla]", StringComparison.Ordinal), "\"services.main.repositories\" names \"locla\", which is no repository here", "did you mean \"local\"? configured repositories: local" },
        { Minimal.Replace("[local]", "[local, ¦local]", StringComparison.Ordinal), "\"services.main.repositories\" holds \"local\" twice", "keep one of them" },
        { Minimal.Replace("kind: postgres", "kind: ¦oracle", StringComparison.Ordinal), "\"services.main.kind\" can not be \"oracle\" in this version", "possible values: postgres, files, postgres-dump, mysql, redis, mongodb, qdrant" },
        { Minimal.Replace("kind: postgres", "kind: ¦postgresql", StringComparison.Ordinal), "\"services.main.kind\" can not be \"postgresql\" in this version", "did you mean \"postgres\"? possible values: postgres, files, postgres-dump, mysql, redis, mongodb, qdrant" },

        // paths
        { AtTop("state-directory: ¦var/lib"), "\"state-directory\" must be an absolute path, but is \"var/lib\"", "start it with /" },
        { AtTop("state-directory: ¦~/pitr"), "\"state-directory\" must be an absolute path, but is \"~/pitr\"", "start it with /" },
        { InMain("bin-directory: ¦bin"), "\"services.main.bin-directory\" must be an absolute path, but is \"bin\"", "start it with /" },
        { InMain("data-directory: ¦${PGDATA}"), "\"services.main.data-directory\" refers to a variable, which only secrets may", "set PITR_SERVICES__MAIN__DATA_DIRECTORY in the environment to override it" },
        { AtTop("¦agent: { socket: /" + new string('s', 107) + " }"), "\"agent.socket\" is longer than the 107 bytes a Unix socket may have", "choose a shorter path" },

        // URLs
        { Repository + "{ url: ¦/srv/pitr }" + AfterRepository, "\"repositories.local.url\" is no URL", "did you mean \"file:///srv/pitr\"?" },
        { Repository + "{ url: ¦srv }" + AfterRepository, "\"repositories.local.url\" is no URL", "write file:///path/of/the/directory" },
        { Repository + "{ url: ¦file:srv }" + AfterRepository, "\"repositories.local.url\" must be a file URL with an absolute path and no host", "write file:///path/of/the/directory" },
        { Repository + "{ url: ¦file://srv/pitr }" + AfterRepository, "\"repositories.local.url\" must be a file URL with an absolute path and no host", "write file:///path/of/the/directory" },
        { Repository + "{ url: ¦file:////srv }" + AfterRepository, "\"repositories.local.url\" must be a file URL with an absolute path and no host", "write file:///path/of/the/directory" },
        { Repository + "{ url: ¦file:///srv?x=y }" + AfterRepository, "\"repositories.local.url\" holds ? or #", "write %3F for ? and %23 for #" },
        { Repository + "{ url: ¦file:///srv#x }" + AfterRepository, "\"repositories.local.url\" holds ? or #", "write %3F for ? and %23 for #" },
        { Repository + "{ url: ¦file:/// }" + AfterRepository, "\"repositories.local.url\" is the root directory", "give the repository a directory of its own" },
        { Repository + "{ url: ¦file:///a/.. }" + AfterRepository, "\"repositories.local.url\" is the root directory", "give the repository a directory of its own" },
        { Repository + "{ url: ¦SFPT://host/pitr, user: x }" + AfterRepository, "\"repositories.local.url\": no driver for sfpt: in this version", "did you mean \"sftp\"? available: file, s3, sftp, ftp, ftps" },
        { Repository + "{ url: file:///a }\n  two: { url: ¦file:/b/../a/ }" + AfterRepository, "\"repositories.two.url\" is the place of repository \"local\" too", "give each repository its own place" },
        { Repository + "{ url: file:///a, ¦retry: { first-delay: 20s } }" + AfterRepository, "\"repositories.local.retry.first-delay\" (20s) is longer than \"max-delay\" (10s)", "delays grow from the first to the longest" },

        // durations, sizes, numbers, words
        { InMain("objectives: { rpo: ¦5 }"), "\"services.main.objectives.rpo\" can not be \"5\"", ConfigurationUnits.DurationHint },
        { InMain("objectives: { rpo: ¦5 m }"), "\"services.main.objectives.rpo\" can not be \"5 m\"", ConfigurationUnits.DurationHint },
        { InMain("objectives: { rpo: ¦5min }"), "\"services.main.objectives.rpo\" can not be \"5min\"", ConfigurationUnits.DurationHint },
        { InMain("objectives: { rpo: ¦5M }"), "\"services.main.objectives.rpo\" can not be \"5M\"", ConfigurationUnits.DurationHint },
        { InMain("objectives: { rpo: ¦1.5h }"), "\"services.main.objectives.rpo\" can not be \"1.5h\"", ConfigurationUnits.DurationHint },
        { InMain("objectives: { rpo: ¦-5m }"), "\"services.main.objectives.rpo\" can not be \"-5m\"", ConfigurationUnits.DurationHint },
        { InMain("objectives: { rpo: ¦99999999999999d }"), "\"services.main.objectives.rpo\" can not be \"99999999999999d\"", ConfigurationUnits.DurationHint },
        { InMain("objectives: { rto: ¦0s }"), "\"services.main.objectives.rto\" can not be 0s", "from 1s to 365d" },
        { InMain("objectives: { rto: ¦366d }"), "\"services.main.objectives.rto\" can not be 366d", "from 1s to 365d" },
        { InMain("wal: { push-deadline: ¦2d }"), "\"services.main.wal.push-deadline\" can not be 2d", "from 1s to 1d" },
        { InMain("wal: { prefetch: ¦1025 }"), "\"services.main.wal.prefetch\" can not be \"1025\"", "a whole number from 0 to 1024" },
        { InMain("wal: { prefetch-size: ¦1KiB }"), "\"services.main.wal.prefetch-size\" can not be 1KiB", "from 1MiB to 64GiB" },
        { InMain("wal: { get-deadline: ¦2MB }"), "\"services.main.wal.get-deadline\" can not be \"2MB\"", ConfigurationUnits.DurationHint },
        { InMain("wal: { stream: ¦on }"), "\"services.main.wal.stream\" can not be \"on\"", "possible values: false, true" },
        { InMain("wal: { slot: ¦Pitr-Main }"), "\"services.main.wal.slot\" can not be \"Pitr-Main\"", "1 to 63 of a-z, 0-9 and _" },
        { InMain("wal: { stream-delay: ¦2m }"), "\"services.main.wal.stream-delay\" can not be 2m", "from 10ms to 1m" },
        { InMain("backup: { limit: ¦50MB }"), "\"services.main.backup.limit\" can not be \"50MB\"", ConfigurationUnits.RateHint },
        { InMain("backup: { pack-size: ¦32 }"), "\"services.main.backup.pack-size\" can not be \"32\"", ConfigurationUnits.SizeHint },
        { InMain("backup: { pack-size: ¦32M }"), "\"services.main.backup.pack-size\" can not be \"32M\"", ConfigurationUnits.SizeHint },
        { InMain("backup: { pack-size: ¦32mib }"), "\"services.main.backup.pack-size\" can not be \"32mib\"", ConfigurationUnits.SizeHint },
        { InMain("backup: { pack-size: ¦1MB }"), "\"services.main.backup.pack-size\" can not be 1MB", "from 1MiB to 256MiB" },
        { InMain("backup: { pack-size: ¦9999999999999999999TiB }"), "\"services.main.backup.pack-size\" can not be \"9999999999999999999TiB\"", ConfigurationUnits.SizeHint },
        { InMain("backup: { jobs: ¦0 }"), "\"services.main.backup.jobs\" can not be \"0\"", "a whole number from 1 to 256" },
        { InMain("backup: { jobs: ¦two }"), "\"services.main.backup.jobs\" can not be \"two\"", "a whole number from 1 to 256" },
        { InMain("backup: { jobs: ¦1e3 }"), "\"services.main.backup.jobs\" can not be \"1e3\"", "a whole number from 1 to 256" },
        { InMain("backup: { jobs: ¦99999999999 }"), "\"services.main.backup.jobs\" can not be \"99999999999\"", "a whole number from 1 to 256" },
        { InMain("backup: { compression-level: ¦20 }"), "\"services.main.backup.compression-level\" can not be \"20\"", "a whole number from 1 to 19" },
        { InMain("wal: { compression-level: ¦-1 }"), "\"services.main.wal.compression-level\" can not be \"-1\"", "a whole number from 1 to 19" },
        { InMain("retention: { minimum: ¦0 }"), "\"services.main.retention.minimum\" can not be \"0\"", "a whole number from 1 to 10000" },
        { InMain("retention: { time-zone: ¦Asia/Soul }"), "\"services.main.retention.time-zone\" is \"Asia/Soul\", which is no time zone known here", "use a name like Asia/Seoul or UTC; the package tzdata has the names" },
        { InMain("retention: { daily: ¦7d }"), "\"services.main.retention.daily\" can not be \"7d\"", "a whole number from 0 to 10000" },
        { InMain("retention: { window: ¦7 }"), "\"services.main.retention.window\" can not be \"7\"", ConfigurationUnits.DurationHint },
        { InMain("backup: { method: ¦copy }"), "\"services.main.backup.method\" can not be \"copy\"", "possible values: auto, direct, stream" },
        { AtTop("log: { level: ¦info }"), "\"log.level\" can not be \"info\"", "did you mean \"information\"? possible values: verbose, debug, information, warning, error, fatal" },
        { AtTop("log: { level: ¦Debug }"), "\"log.level\" can not be \"Debug\"", "did you mean \"debug\"? possible values: verbose, debug, information, warning, error, fatal" },

        // secrets and connections
        { InMain("password: ¦${NOT VALID}"), "\"services.main.password\" holds \"${\" but is no whole reference", "write ${VARIABLE} and nothing else (letters, digits and _), or keep a secret with these characters in a file: file:/path" },
        { InMain("password: ¦before${X}"), "\"services.main.password\" holds \"${\" but is no whole reference", "write ${VARIABLE} and nothing else (letters, digits and _), or keep a secret with these characters in a file: file:/path" },
        { InMain("password: ¦file:relative"), "\"services.main.password\" must refer to its file by an absolute path", "write file:/path/of/the/file" },
        { InMain("password: ¦file://host/x"), "\"services.main.password\" must refer to its file by an absolute path", "write file:/path/of/the/file" },
        { InMain("password: ¦[a]"), "\"services.main.password\" must be a single value (secret), but is a list", null },
        { InMain("connection: ¦\"Host=/a;Hots=/b\""), "\"services.main.connection\" holds a keyword that Npgsql does not know (did you mean \"Host\"?)", PostgresConnectionText.Notations },
        { InMain("connection: ¦\"Host=/a;hunter2=/b\""), "\"services.main.connection\" holds a keyword that Npgsql does not know", PostgresConnectionText.Notations },
        { InMain("connection: ¦\"Host=/a;Port=hunter2\""), "\"services.main.connection\" holds a value that \"port\" can not have", PostgresConnectionText.Notations },
        { InMain("connection: ¦\"Host=/a;Password=hun;ter2\""), "\"services.main.connection\" is no connection string; a value with ; or quotes in it must itself be quoted", PostgresConnectionText.Notations },
        { InMain("connection: ¦host=/a usr=me"), "\"services.main.connection\" holds a keyword that is not known (did you mean \"user\"?)", PostgresConnectionText.Notations },
        { InMain("connection: ¦nothing"), "\"services.main.connection\" is no connection string; a value with ; or quotes in it must itself be quoted", PostgresConnectionText.Notations },
        { InMain("connection: ¦postgresql://me@db/x?what=1"), "\"services.main.connection\" holds a keyword that is not known", PostgresConnectionText.Notations },
        { InMain("connection: ¦\"Host=db;SSL Password=x\""), "\"services.main.connection\" holds a password for its key file, which is not kept here: give that key file no password and mode 0600", PostgresConnectionText.Notations },
        { InMain("password: ${A}\nconnection: ¦\"Host=db;Password=${B}\""), "\"services.main.connection\" holds a password, and the key \"password\" does too", "keep one of them" },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_mistake_is_reported_once_where_it_is_with_what_to_do(string marked, string message, string? hint) => RequireProblem(marked, message, hint);

    [Theory]
    [InlineData("log: { level: ${X} }", "a reference needs quotes")]
    [InlineData("log: { level: debug", "")]
    [InlineData("log: [debug", "")]
    [InlineData("log:\n\tlevel: debug", "tabs")]
    [InlineData("log: a: b", "may need quotes")]
    [InlineData("log: \"unterminated", "")]
    [InlineData("log: @x", "may need quotes")]
    [InlineData("log: \"\\q\"", "may need quotes")]
    [InlineData("%YAML 9.9\n---\nlog: {}", "")]
    public void Text_that_is_no_YAML_is_refused_with_its_line(string text, string hint)
    {
        var e = Refused(text + "\n");

        Assert.InRange(e.Line, 1, 5);
        Assert.Contains("invalid YAML", e.Message, StringComparison.Ordinal);
        Assert.Contains(hint, e.Hint, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData('[', ']')]
    [InlineData('{', '}')]
    public void Nesting_is_bounded(char open, char close)
    {
        var opened = open == '[' ? string.Concat(Enumerable.Repeat("[", 5000)) : string.Concat(Enumerable.Repeat("{a: ", 5000));
        var e = Refused("log: " + opened + "x" + new string(close, 5000) + "\n");

        Assert.Contains("nested deeper than 32 levels", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Doubling_aliases_cost_nothing()
    {
        var bomb = string.Concat(Enumerable.Range(1, 30).Select(i => $"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n"));
        var e = Refused("a0: &a0 [x]\n" + bomb);

        Assert.Contains(e.Problems, p => p.Message == "unknown key \"a30\" in the configuration");
    }

    [Fact]
    public void Duplicate_keys_do_not_hide_other_mistakes()
    {
        var e = Refused(InMain("wal: { get-deadline: 1 }\nwal: { get-deadline: [1, {}, { a: b }] }\nbackup: { jobs: x, jobs: 1 }"));

        Assert.Equal(
            ["\"services.main.wal.get-deadline\" can not be \"1\"", "duplicate key \"wal\"", "\"services.main.backup.jobs\" can not be \"x\"", "duplicate key \"jobs\""],
            e.Problems.Select(p => p.Message));
    }
}
