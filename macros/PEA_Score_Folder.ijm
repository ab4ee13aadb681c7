// PEA_Score_Folder.ijm - compares a folder of label images with the truth, image by image.
// SPDX-License-Identifier: BSD-2-Clause
//
//   prediction=FOLDER  label images
//   truth=FOLDER       true labels; names must agree, where the endings _image, _labels, _label, _truth, _gt, _pred, _prediction
//                      and _mask do not count, as with "pea score"
//   output=FILE        the table, a row for each image and the mean; default scores.csv in the folder of the predictions
//
// In Fiji: Plugins > Segmentation > PEA > Score Folder... asks. Without a display: -macro PEA_Score_Folder.ijm 'prediction=... truth=...'

var KEYS = "prediction,truth,output";
var ENDINGS = newArray("_image", "_labels", "_label", "_truth", "_gt", "_pred", "_prediction", "_mask");
var arguments = getArgument();
var headless = matches(call("java.awt.GraphicsEnvironment.isHeadless"), "true");

if (arguments == "" && !headless)
    arguments = ask();
message = call("org.pea.fiji.MacroCalls.check", arguments, KEYS);
if (message != "")
    stop(message);
prediction = folder("prediction");
truth = folder("truth");
output = value("output", prediction + "scores.csv");

truths = labelImages(truth);
predictions = labelImages(prediction);
table = "";
n = 0;
errors = newArray(0);
for (i = 0; i < truths.length; i++) {
    partner = partnerOf(truths[i], predictions);
    if (partner == "") {
        errors = Array.concat(errors, truths[i] + ": no label image in " + prediction + " has this name");
        continue;
    }
    answer = call("org.pea.fiji.MacroCalls.score", truth + truths[i], prediction + partner);
    if (startsWith(answer, "Error: ")) {
        errors = Array.concat(errors, truths[i] + ": " + substring(answer, 7));
        continue;
    }
    lines = split(answer, "\n");
    if (n == 0) {
        sums = newArray(lines.length);
        table = "image";
        for (k = 0; k < lines.length; k++)
            table += "," + before(lines[k], "\t");
        table += "\n";
    }
    table += "\"" + stem(truths[i]) + "\"";
    for (k = 0; k < lines.length; k++) {
        number = behind(lines[k], "\t");
        table += "," + number;
        sums[k] += parseFloat(number);
    }
    table += "\n";
    n++;
}
if (n > 0) {
    table += "mean";
    for (k = 0; k < sums.length; k++)
        table += "," + d2s(sums[k] / n, 9);
    File.saveString(table + "\n", output);
    print(n + " images compared; see " + output);
}
for (i = 0; i < errors.length; i++)
    print("  " + errors[i]);
if (n == 0)
    stop("nothing to compare: no name in " + truth + " agrees with one in " + prediction);
if (headless && errors.length > 0)
    call("java.lang.System.exit", "1");
if (!headless)
    Table.open(output);

// Label images of a folder; where a name comes more than once, labels rather than the image, and TIFF rather than a picture.
function labelImages(path) {
    names = getFileList(path);
    found = newArray(0);
    for (k = 0; k < names.length; k++) {
        name = toLowerCase(names[k]);
        if (!(endsWith(name, ".tif") || endsWith(name, ".tiff") || endsWith(name, ".png")))
            continue;
        better = -1;
        own = stem(names[k]);
        for (j = 0; j < found.length; j++) {
            other = stem(found[j]);
            if (other == own)
                better = j;
        }
        if (better < 0)
            found = Array.concat(found, names[k]);
        else if (rank(names[k]) < rank(found[better]))
            found[better] = names[k];
    }
    return found;
}

function rank(name) {
    place = 0;
    if (endsWith(toLowerCase(name), ".png"))
        place += 1;
    if (endsWith(withoutEnding(name), "_image"))
        place += 2;
    return place;
}

function partnerOf(name, others) {
    wanted = stem(name);
    for (k = 0; k < others.length; k++) {
        found = stem(others[k]);
        if (found == wanted)
            return others[k];
    }
    return "";
}

function stem(name) {
    name = withoutEnding(name);
    for (e = 0; e < ENDINGS.length; e++)
        if (endsWith(name, ENDINGS[e]))
            return substring(name, 0, lengthOf(name) - lengthOf(ENDINGS[e]));
    return name;
}

function withoutEnding(path) { return substring(path, 0, lastIndexOf(path, ".")); }

function before(text, mark) { return substring(text, 0, indexOf(text, mark)); }

function behind(text, mark) { return substring(text, indexOf(text, mark) + 1); }

function ask() {
    Dialog.create("PEA: score a folder");
    Dialog.addDirectory("Label images", "");
    Dialog.addDirectory("True labels", "");
    Dialog.show();
    line = "prediction=[" + Dialog.getString() + "] truth=[" + Dialog.getString() + "]";
    print("PEA_Score_Folder.ijm " + line);
    return line;
}

function value(key, otherwise) { return call("org.pea.fiji.MacroCalls.value", arguments, key, otherwise); }

function folder(key) {
    path = value(key, "");
    if (path == "")
        stop(key + "=FOLDER is missing; the arguments are " + KEYS);
    if (!endsWith(path, "/"))
        path += "/";
    if (!File.isDirectory(path))
        stop("there is no folder " + path);
    return path;
}

function stop(message) {
    if (headless) {
        print("PEA_Score_Folder: " + message);
        call("java.lang.System.exit", "1");
    }
    exit(message);
}
