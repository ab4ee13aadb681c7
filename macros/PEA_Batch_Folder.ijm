// PEA_Batch_Folder.ijm - segments every image of a folder; one that fails does not stop the others.
// SPDX-License-Identifier: BSD-2-Clause
//
//   input=FOLDER       where the images are
//   output=FOLDER      gets the results: a/b.png becomes a/b.tif, as with "pea segment"; must be another folder
//   options=[...]      as in run("Segment Instances (PEA)...", "..."); default model=nuclei
//   files=*.tif,*.png  which images; default *.tif,*.tiff,*.png,*.jpg
//   subfolders=no      not those in folders of the folder; default yes
//   resume=no          also images whose results are there; default yes
//   overlay=yes table=yes rois=yes   also write pictures (.png), tables (.csv), ROIs (.zip); default: tables
//   part=2/10          only every tenth image, from the second on: for arrays of cluster jobs
//
// In Fiji: Plugins > Segmentation > PEA > Segment Folder... asks. Without a display: -macro PEA_Batch_Folder.ijm 'input=... output=...'
// output/summary.csv has a row for each image, written at once. What failed is listed at the end; without a display the
// exit status is then 1. Esc stops, and the next run goes on where this one was.

var KEYS = "input,output,options,files,subfolders,resume,overlay,table,rois,part";
var arguments = getArgument();
var headless = matches(call("java.awt.GraphicsEnvironment.isHeadless"), "true");
var images = newArray(0); // paths below input, "/" between folders
var input, output;

if (arguments == "" && !headless)
    arguments = ask();
check(call("org.pea.fiji.MacroCalls.check", arguments, KEYS));
input = folder("input");
output = folder("output");
if (input == output)
    stop("output is the folder of the images, whose results would be written over them: choose another");
options = value("options", "model=nuclei");
resume = yes("resume", true);
endings = "tif";
if (yes("table", true))
    endings += ",csv";
if (yes("overlay", false))
    endings += ",png";
if (yes("rois", false))
    endings += ",zip";

list("", split(toLowerCase(value("files", "*.tif,*.tiff,*.png,*.jpg")), ","), yes("subfolders", true));
if (images.length == 0)
    stop("no image in " + input + " matches " + value("files", "*.tif,*.tiff,*.png,*.jpg"));
part = split(value("part", "1/1"), "/");
if (part.length != 2 || isNaN(parseInt(part[0])) || !(parseInt(part[0]) >= 1 && parseInt(part[0]) <= parseInt(part[1])))
    stop("part=" + value("part", "") + " must be as 2/10: the second of ten");

makeFolders(output);
remember(options);
summary = output + "summary.csv";
if (parseInt(part[1]) > 1)
    summary = output + "summary-" + part[0] + "-of-" + part[1] + ".csv";
before = "";
if (resume && File.exists(summary))
    before = File.openAsString(summary);
File.saveString("image,instances,seconds,result\n", summary);

done = 0;
skipped = 0;
errors = newArray(0);
for (i = images.length - 1; i >= 0; i--) // to whom a result belongs: the first with its name
    List.set(output + withoutEnding(images[i]), i);
every = parseInt(part[1]);
for (i = parseInt(part[0]) - 1; i < images.length; i += every) {
    result = output + withoutEnding(images[i]);
    if (List.get(result) != i) {
        answer = "Error: its result would be that of " + images[parseInt(List.get(result))] + ": rename one of them";
    } else if (resume && finished(result, endings)) {
        skipped++;
        row(summary, "" + oldRow(before, images[i]));
        answer = "";
    } else {
        print("(" + (i + 1) + " of " + images.length + ") " + images[i]);
        answer = call("org.pea.fiji.MacroCalls.segmentFile", input + images[i], options, result, endings);
    }
    if (startsWith(answer, "Error: ")) {
        message = substring(answer, 7);
        errors = Array.concat(errors, images[i] + ": " + message);
        row(summary, "" + quoted(images[i]) + ",,," + quoted(message));
    } else if (answer != "") {
        done++;
        row(summary, "" + quoted(images[i]) + "," + of(answer, "instances") + "," + of(answer, "seconds") + ",done");
    }
}

print(done + " segmented, " + skipped + " were there already, " + errors.length + " failed; see " + summary);
for (i = 0; i < errors.length; i++)
    print("  " + errors[i]);
if (headless && errors.length > 0)
    call("java.lang.System.exit", "1");
if (!headless) {
    Table.open(summary);
    if (errors.length > 0)
        showMessage("PEA: segment a folder", errors.length + " of " + images.length +
            " images failed. The Log window and\nsummary.csv say why; the others are done.");
}

// The same words as without a dialog, so that a person can copy them from the log.
function ask() {
    Dialog.create("PEA: segment a folder");
    Dialog.addDirectory("Images", "");
    Dialog.addDirectory("Results", "");
    Dialog.addString("Options", "model=nuclei", 40);
    Dialog.addString("Files", "*.tif,*.tiff,*.png,*.jpg", 40);
    Dialog.addCheckbox("Also folders in the folder", true);
    Dialog.addCheckbox("Leave out what is done already", true);
    Dialog.addCheckbox("Tables", true);
    Dialog.addCheckbox("Pictures", false);
    Dialog.addCheckbox("ROIs", false);
    Dialog.show();
    line = "input=[" + Dialog.getString() + "] output=[" + Dialog.getString() + "] options=[" + Dialog.getString() +
        "] files=[" + Dialog.getString() + "] subfolders=" + word(Dialog.getCheckbox()) + " resume=" + word(Dialog.getCheckbox()) +
        " table=" + word(Dialog.getCheckbox()) + " overlay=" + word(Dialog.getCheckbox()) + " rois=" + word(Dialog.getCheckbox());
    print("PEA_Batch_Folder.ijm " + line);
    return line;
}

// All images below input, in the order in which getFileList() sorts them.
function list(below, patterns, deeper) {
    names = getFileList(input + below);
    for (i = 0; i < names.length; i++) {
        path = below + names[i];
        if (endsWith(names[i], "/")) {
            if (deeper && input + path != output && call("org.pea.fiji.MacroCalls.leadsBack", input + path) == "false")
                list(path, patterns, deeper);
        } else if (matchesAny(toLowerCase(names[i]), patterns))
            images = Array.concat(images, path);
    }
}

function matchesAny(name, patterns) {
    for (k = 0; k < patterns.length; k++) {
        expression = replace(String.trim(patterns[k]), "\\.", "\\\\.");
        expression = replace(replace(expression, "\\*", ".*"), "\\?", ".");
        if (matches(name, expression))
            return true;
    }
    return false;
}

function finished(result, endings) {
    ending = split(endings, ",");
    for (k = 0; k < ending.length; k++)
        if (!File.exists(result + "." + ending[k]))
            return false;
    return true;
}

// Results of other options must not be mixed with these: whoever resumes gets what he asked for, or is told.
function remember(options) {
    file = output + "options.txt";
    if (resume && File.exists(file)) {
        old = String.trim(File.openAsString(file));
        if (old != options)
            stop("the results in " + output + " were made with options=[" + old +
                "]: choose another output, or resume=no to make all of them again");
    }
    File.saveString(options + "\n", file);
}

function oldRow(before, image) {
    lines = split(before, "\n");
    for (k = 1; k < lines.length; k++)
        if (startsWith(lines[k], "" + quoted(image) + ",") && endsWith(lines[k], ",done"))
            return lines[k];
    return "" + quoted(image) + ",,,done before";
}

function row(summary, text) { File.append(text, summary); }

function quoted(text) { return "\"" + replace(text, "\"", "\"\"") + "\""; }

function withoutEnding(path) { return substring(path, 0, lastIndexOf(path, ".")); }

// The value behind key in what MacroCalls answers, "instances=3 seconds=0.5".
function of(answer, key) { return call("org.pea.fiji.MacroCalls.value", answer, key, ""); }

function value(key, otherwise) { return call("org.pea.fiji.MacroCalls.value", arguments, key, otherwise); }

function yes(key, otherwise) {
    text = value(key, word(otherwise));
    if (text != "yes" && text != "no")
        stop(key + "=" + text + " must be yes or no");
    return matches(text, "yes");
}

function word(state) {
    if (state)
        return "yes";
    return "no";
}

function folder(key) {
    path = replace(value(key, ""), "\\\\", "/");
    if (path == "")
        stop(key + "=FOLDER is missing; the arguments are " + KEYS);
    if (!endsWith(path, "/"))
        path += "/";
    if (key == "input" && !File.isDirectory(path))
        stop("there is no folder " + path);
    return path;
}

function makeFolders(path) {
    if (File.isDirectory(path))
        return;
    makeFolders(File.getParent(path) + "/");
    File.makeDirectory(path);
}

function check(message) {
    if (message != "")
        stop(message);
}

function stop(message) {
    if (headless) {
        print("PEA_Batch_Folder: " + message);
        call("java.lang.System.exit", "1");
    }
    exit(message);
}
