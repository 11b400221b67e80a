using System.CommandLine;

namespace Pitr.Cli.Commands;

/// <summary>`pitr completion`: what a shell needs to complete pitr's command lines.</summary>
static class CompletionCommand
{
    static readonly Argument<string> Shell = new("SHELL") { Description = "bash or zsh" };

    public static Command Create()
    {
        Shell.AcceptOnlyFromAmong("bash", "zsh");
        var command = new Command(
            "completion",
            """
            Print a script that completes commands, options and service names.

              pitr completion bash > /etc/bash_completion.d/pitr
              pitr completion zsh > "${fpath[1]}/_pitr"
            """)
        {
            Shell,
        };
        command.SetAction(parsed =>
        {
            Console.Write(parsed.GetValue(Shell) == "bash" ? Bash : Zsh);
            return ExitCodes.Success;
        });
        return command;
    }

    // The program itself answers what may come next: [suggest:POSITION] is System.CommandLine's directive.
    const string Bash =
        """
        _pitr() {
            local IFS=$'\n'
            COMPREPLY=($(compgen -o default -W "$(pitr "[suggest:${COMP_POINT}]" "${COMP_LINE}" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
        }
        complete -o default -F _pitr pitr

        """;

    const string Zsh =
        """
        #compdef pitr
        _pitr() {
            local -a found
            found=("${(@f)$(pitr "[suggest:${CURSOR}]" "${BUFFER}" 2>/dev/null)}")
            compadd -a found || _files
        }
        compdef _pitr pitr

        """;
}
